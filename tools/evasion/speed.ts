// How many connections the simulation carries in a second: `bun tools/evasion/speed.ts`. One thread; by the clock, and
// by the processor's time, which a busy machine does not spoil as much.
import { EngineRig, LINK_HOPS_AFTER, makeCensor, runCell, strategyTable } from "@bunnel/lab";

const STRATEGIES = ["pass", "tls: split(1, midsld) disorder", "tls: fake(sni=www.example.org, ttl=4) split(1, midsld)"];
const BOXES = ["packet", "full-first", "strict"] as const;
const WARM_MS = 1000;
const MEASURED_MS = 3000;

const rig = await EngineRig.create();
for (const strategy of STRATEGIES) {
  rig.load(strategy === "pass" ? undefined : strategyTable(strategy));
  for (const box of BOXES) {
    measure(box, WARM_MS);
    const { perSecond, perProcessorSecond } = measure(box, MEASURED_MS);
    console.log(
      `${box.padEnd(12)} ${perSecond} connections/s, ${perProcessorSecond} per processor second  ${strategy}`,
    );
  }
}

function measure(box: (typeof BOXES)[number], ms: number) {
  const censor = makeCensor(box, { blocked: ["video.example.org"], hopsToServer: LINK_HOPS_AFTER });
  const { gateway } = rig;
  const began = performance.now();
  const processor = process.cpuUsage();
  let connections = 0;
  while (performance.now() - began < ms) {
    for (let i = 0; i < 64; i += 1) {
      connections += 1;
      runCell({ gateway, censor, message: "tls", seed: connections, link: { events: false } });
    }
  }
  const { user, system } = process.cpuUsage(processor);
  return {
    perSecond: Math.round((connections / (performance.now() - began)) * 1000),
    perProcessorSecond: Math.round(connections / ((user + system) / 1e6)),
  };
}
