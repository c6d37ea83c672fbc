// How many connections the simulation carries in a second: `bun tools/evasion/speed.ts [threads]`, by the clock and by
// the processor's time, which other work on the machine does not spoil as much.
import { isMainThread } from "node:worker_threads";
import { EngineRig, LINK_HOPS_AFTER, makeCensor, runCell, strategyTable } from "@bunnel/lab";

const STRATEGIES = ["pass", "tls: split(1, midsld) disorder", "tls: fake(sni=www.example.org, ttl=4) split(1, midsld)"];
const BOXES = ["packet", "full-first", "strict"] as const;
const WARM_MS = 1000;
const MEASURED_MS = 3000;
const BATCH = 64;

interface Order {
  readonly strategy: string;
  readonly box: (typeof BOXES)[number];
}

/** Runs connections for so long; returns how many in a second. */
async function measure({ strategy, box }: Order): Promise<number> {
  const rig = await EngineRig.create();
  rig.load(strategy === "pass" ? undefined : strategyTable(strategy));
  const censor = makeCensor(box, { blocked: ["video.example.org"], hopsToServer: LINK_HOPS_AFTER });
  const { gateway } = rig;
  let connections = 0;
  const runFor = (ms: number) => {
    const began = performance.now();
    while (performance.now() - began < ms) {
      for (let i = 0; i < BATCH; i += 1) {
        connections += 1;
        runCell({ gateway, censor, message: "tls", seed: connections, link: { events: false } });
      }
    }
    return performance.now() - began;
  };
  runFor(WARM_MS);
  connections = 0;
  const elapsedMs = runFor(MEASURED_MS);
  return (connections / elapsedMs) * 1000;
}

async function main(): Promise<void> {
  const threads = Number(process.argv[2] ?? 1);
  const workers = Array.from({ length: threads - 1 }, () => new Worker(import.meta.url));
  for (const strategy of STRATEGIES) {
    for (const box of BOXES) {
      const processor = process.cpuUsage();
      const others = workers.map((worker) => {
        const { promise, resolve } = Promise.withResolvers<number>();
        worker.onmessage = ({ data }: MessageEvent<number>) => resolve(data);
        worker.postMessage({ strategy, box } satisfies Order);
        return promise;
      });
      const rates = await Promise.all([measure({ strategy, box }), ...others]);
      const { user, system } = process.cpuUsage(processor);
      const perSecond = rates.reduce((sum, rate) => sum + rate, 0);
      const busy = (user + system) / 1000 / (WARM_MS + MEASURED_MS);
      const figures = `${Math.round(perSecond)} connections/s, ${Math.round(perSecond / busy)} per processor second`;
      console.log(`${box.padEnd(12)} ${figures}  ${strategy}`);
    }
  }
  for (const worker of workers) worker.terminate();
}

if (isMainThread) await main();
else {
  addEventListener("message", ({ data }: MessageEvent<Order>) => {
    void measure(data).then((rate) => postMessage(rate));
  });
}
