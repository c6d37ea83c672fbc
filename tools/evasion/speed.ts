// How many connections the simulation carries in a second, and how many a search evaluates:
// `bun tools/evasion/speed.ts [threads] [rows]`, by the clock and by the processor's time, which other work on the
// machine does not spoil as much. The threads are of the simulation; a search has two. Rows: a regular expression for
// the names of those that are measured, such as "simulation strict" or "search 2000". Default: all.
import { isMainThread } from "node:worker_threads";
import { type CensorName, EngineRig, evolve, LINK_HOPS_AFTER, makeCensor, runCell, strategyTable } from "@bunnel/lab";

const STRATEGIES = ["pass", "tls: split(1, midsld) disorder", "tls: fake(sni=www.example.org, ttl=4) split(1, midsld)"];
const BOXES = ["packet", "full-first", "strict"] as const;
const WARM_MS = 1000;
const MEASURED_MS = 3000;
const BATCH = 64;
/** A box that something passes and one that nothing does: connections that are blocked take more packets. */
const OPPONENTS: readonly CensorName[] = ["full-first", "strict"];
const SEARCH = { seed: 1, generations: 60, patience: 60, workers: 2 } as const;
/** A search of some seconds, of which the run-time's compilers take a third, and one that is long enough to be warm. */
const POPULATIONS = [400, 2000] as const;

interface Order {
  readonly strategy: string;
  readonly box: (typeof BOXES)[number];
}

interface Measured {
  readonly connections: number;
  readonly seconds: number;
  /** Of all threads of this process. */
  readonly processorSeconds: number;
}

const wanted = new RegExp(process.argv[3] ?? "");

/** Runs connections for so long, after others to warm up. */
async function measure({ strategy, box }: Order): Promise<Measured> {
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
  };
  runFor(WARM_MS);
  connections = 0;
  const seconds = watch();
  runFor(MEASURED_MS);
  return { connections, ...seconds() };
}

/** Starts both clocks; what is returned reads them. */
function watch(): () => Omit<Measured, "connections"> {
  const processor = process.cpuUsage();
  const began = performance.now();
  return () => {
    const { user, system } = process.cpuUsage(processor);
    return { seconds: (performance.now() - began) / 1000, processorSeconds: (user + system) / 1_000_000 };
  };
}

function line(name: string, { connections, seconds, processorSeconds }: Measured, what: string): string {
  const rates = `${Math.round(connections / seconds)} connections/s`;
  return `${name.padEnd(12)} ${rates}, ${Math.round(connections / processorSeconds)} per processor second  ${what}`;
}

async function main(): Promise<void> {
  const threads = Number(process.argv[2] ?? 1);
  console.log(`simulation, threads: ${threads}`);
  const workers = Array.from({ length: threads - 1 }, () => new Worker(import.meta.url));
  for (const strategy of STRATEGIES) {
    for (const box of BOXES) {
      if (!wanted.test(`simulation ${box} ${strategy}`)) continue;
      const others = workers.map((worker) => {
        const { promise, resolve } = Promise.withResolvers<Measured>();
        worker.onmessage = ({ data }: MessageEvent<Measured>) => resolve(data);
        worker.postMessage({ strategy, box } satisfies Order);
        return promise;
      });
      const [own, ...theirs] = await Promise.all([measure({ strategy, box }), ...others]);
      const connections = theirs.reduce((sum, { connections: more }) => sum + more, own.connections);
      console.log(line(box, { ...own, connections }, strategy));
    }
  }
  for (const worker of workers) worker.terminate();
  console.log(`search, workers: ${SEARCH.workers}`);
  for (const population of POPULATIONS) {
    for (const name of OPPONENTS) {
      if (!wanted.test(`search ${population} ${name}`)) continue;
      const seconds = watch();
      const { connections } = await evolve({ ...SEARCH, population, opponent: { kind: "gallery", name } });
      console.log(line(name, { connections, ...seconds() }, `${connections} connections, all warm-up with them`));
    }
  }
}

if (isMainThread) await main();
else {
  addEventListener("message", ({ data }: MessageEvent<Order>) => {
    void measure(data).then((measured) => postMessage(measured));
  });
}
