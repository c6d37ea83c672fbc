// `bunnel up` under load for as long as you like: bun tools/soak/service.ts --minutes 60 [--pause-ms 20]
// New connections by the thousand, pages whose outcome is looked at, and a reload each interval.
// Prints a line each interval. Ends with status 1 when memory grew, a page was lost, or something is left.
// Needs root, curl, nft.
import { mkdtempSync, rmSync, chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BLOCKED_NAME, LiveLab, type RunResult, type Service } from "@bunnel/lab/live";
import { FLOOD_SENDER } from "./flood-sender.ts";

const MAIN = join(import.meta.dir, "../../apps/bunnel/src/main.ts");
const STRATEGY = "tls: split(1, midsld) disorder  http: split(method+2, midsld) disorder";
const MINUTES_MAX = 24 * 60;
const INTERVAL_MS = 15_000;
const FLOOD_CONNECTIONS = 20_000;
/** Between bursts of 256 new connections: some ten thousand a second at most. */
const PAUSE_MS = 20;
const PAUSE_MAX_MS = 10_000;
const PAGE_MS = 20_000;
/** The first tenth fills tables and caches. Garbage comes and goes: of each tenth the least counts. */
const TENTH = 0.1;
const GROWTH_MAX_MB = 8;

interface Figures {
  readonly packetsIn: number;
  readonly replaced: number;
  readonly flowsInserted: number;
  readonly deviceDropped: number;
  readonly queueDropped: number;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { minutes: { type: "string", default: "60" }, "pause-ms": { type: "string", default: String(PAUSE_MS) } },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= MINUTES_MAX)) {
    console.error(`--minutes: expected more than 0 and at most ${MINUTES_MAX}, found ${values.minutes}`);
    return 2;
  }
  const pauseMs = Number(values["pause-ms"]);
  if (!(pauseMs >= 0 && pauseMs <= PAUSE_MAX_MS)) {
    console.error(`--pause-ms: expected 0 to ${PAUSE_MAX_MS}, found ${values["pause-ms"]}`);
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), "bunnel-soak-"));
  chmodSync(folder, 0o755);
  try {
    await using lab = await LiveLab.create({ service: [process.execPath, MAIN] });
    return await soak(lab, join(folder, "state"), { forMs: minutes * 60_000, pauseMs });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Length {
  readonly forMs: number;
  /** Between bursts of new connections, and between pages. */
  readonly pauseMs: number;
}

async function soak(lab: LiveLab, stateDir: string, { forMs, pauseMs }: Length): Promise<number> {
  await lab.censor.run(["ip", "route", "add", "blackhole", "198.18.99.0/24"]);
  const before = await network(lab);
  const service = await lab.up({ strategy: STRATEGY, method: "nft", stateDir });
  const load = new Load(lab, pauseMs);
  const begun = performance.now();
  const unanswered: string[] = [];
  const samples: { readonly atMs: number; readonly memoryMb: number }[] = [];
  console.log("   s   memory MB   flows made    replaced   lost: device  queue      pages");
  while (performance.now() - begun < forMs) {
    await Bun.sleep(Math.min(INTERVAL_MS, forMs / 20));
    const atMs = performance.now() - begun;
    const memoryMb = await memoryOf(service);
    samples.push({ atMs, memoryMb });
    const seconds = (atMs / 1000).toFixed(0).padStart(4);
    const figures = await bunnel(lab, ["stats", "--json", "--state-dir", stateDir]);
    const counted = figures.status === 0 ? countedText(JSON.parse(figures.stdout) as Figures) : NO_ANSWER;
    if (figures.status !== 0) unanswered.push(`at ${seconds.trim()} s: ${figures.stderr.trim()}`);
    console.log(`${seconds} ${memoryMb.toFixed(1).padStart(11)} ${counted} ${String(load.pages).padStart(10)}`);
    const reload = await bunnel(lab, ["reload", "--state-dir", stateDir]);
    if (reload.status !== 0) unanswered.push(`reload at ${seconds.trim()} s: ${reload.stderr.trim()}`);
  }
  await load.end();
  await service.stop();
  const leastOf = (from: number): number => {
    const ofTenth = samples.filter(({ atMs }) => atMs >= from * forMs && atMs < (from + TENTH) * forMs);
    return Math.min(...ofTenth.map(({ memoryMb }) => memoryMb));
  };
  const grown = leastOf(1 - TENTH) - leastOf(TENTH);
  console.log(`memory: ${grown.toFixed(1)} MB more in the last tenth than in the second (at most ${GROWTH_MAX_MB})`);
  console.log(`pages: ${load.pages}, not served: ${load.failures.length} ${load.failures.slice(0, 3).join("; ")}`);
  console.log(`questions without an answer: ${unanswered.length} ${unanswered.slice(0, 3).join("; ")}`);
  const isClean = (await network(lab)) === before;
  console.log(`network: ${isClean ? "as before" : "something is left"}`);
  return grown <= GROWTH_MAX_MB && load.failures.length === 0 && isClean ? 0 : 1;
}

/** What stands in place of the figures of an interval in which the service was asked in vain. */
const NO_ANSWER = "no answer".padStart(41);

function countedText({ flowsInserted, replaced, deviceDropped, queueDropped }: Figures): string {
  const made = [flowsInserted, replaced].map((count) => String(count).padStart(11)).join(" ");
  const lost = [deviceDropped, queueDropped].map((count) => String(count).padStart(8)).join("  ");
  return `${made}     ${lost}`;
}

/** Pages one after the other in both families, and floods beside them. */
class Load {
  pages = 0;
  readonly failures: string[] = [];
  #isOver = false;
  readonly #running: readonly Promise<void>[];

  constructor(
    readonly lab: LiveLab,
    readonly pauseMs: number,
  ) {
    this.#running = [this.#browse(4), this.#browse(6), this.#flood()];
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  async #browse(family: 4 | 6): Promise<void> {
    while (!this.#isOver) {
      for (const scheme of ["https", "http"] as const) {
        const found = await this.lab.fetch({ host: BLOCKED_NAME, scheme, family, timeoutMs: PAGE_MS });
        this.pages++;
        await Bun.sleep(this.pauseMs);
        if (found.outcome !== "served") this.failures.push(`IPv${family} ${scheme}: ${found.detail}`);
      }
    }
  }

  async #flood(): Promise<void> {
    const words = ["hello", String(FLOOD_CONNECTIONS), String(this.pauseMs)];
    while (!this.#isOver) await this.lab.client.run([process.execPath, FLOOD_SENDER, ...words]);
  }
}

function bunnel(lab: LiveLab, words: readonly string[]): Promise<RunResult> {
  return lab.client.run([process.execPath, MAIN, ...words]);
}

async function network(lab: LiveLab): Promise<string> {
  const words = "for f in 4 6; do ip -$f rule; ip -$f route show table all; done; ip -br link; nft list ruleset";
  return (await lab.client.run(["sh", "-c", words])).stdout;
}

/** proc(5), VmRSS in KiB. */
async function memoryOf({ pid }: Service): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return (Number(/^VmRSS:\s+(\d+)/mu.exec(status)?.[1]) * 1024) / 1e6;
}
