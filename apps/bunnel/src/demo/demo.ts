// The demonstration from its first word to its last: find the level, build, fill the table, take everything down.
import { findLevel, type LevelFinding, LiveLab, USER_NAMESPACE_COMMAND } from "@bunnel/lab/live";
import { Board } from "./board.ts";
import { demoPlan } from "./plan.ts";
import { type DemoReport, reportOf } from "./report.ts";
import { runLive } from "./run-live.ts";
import { runSimulated, SIMULATED_DECOY_TTL } from "./run-simulated.ts";
import { openScreen, type Output, type Screen } from "./screen.ts";
import { selfCommand } from "./self.ts";

export interface DemoOptions {
  readonly quick: boolean;
  /** Do not even try to build namespaces. */
  readonly simulated: boolean;
  readonly colour: boolean;
  /** Where the table goes; undefined: nowhere. */
  readonly output: Output | undefined;
  readonly signal: AbortSignal;
}

/**
 * How long a failure waits for an interrupt that would explain it: Ctrl-C reaches every process of the terminal, and
 * what a child does of it may be seen here before the signal itself is.
 */
const INTERRUPT_ARRIVES_MS = 1000;
/** Set for the program that runs as root of a user namespace, so that it says so and does not enter another. */
const INSIDE_VARIABLE = "BUNNEL_DEMO_INSIDE";

/** Which level it will run at. */
export function demoLevel(simulated: boolean): LevelFinding {
  if (simulated) return { level: "simulated", reason: "as asked" };
  const finding = findLevel();
  if (finding.level === "root" && process.env[INSIDE_VARIABLE] !== undefined) {
    return { level: "user-namespace", reason: "unprivileged, as root of a user namespace" };
  }
  return finding;
}

/** Whether this process has to be started again inside of a user namespace to reach its level. */
export function needsUserNamespace({ level }: LevelFinding): boolean {
  return level === "user-namespace" && process.env[INSIDE_VARIABLE] === undefined;
}

/** Starts the same command line as root of a user namespace; returns its exit status. It ends with this process. */
export async function runInUserNamespace(): Promise<number> {
  const words = [...USER_NAMESPACE_COMMAND, ...selfCommand(), ...process.argv.slice(2)];
  const child = Bun.spawn(words, {
    stdio: ["inherit", "inherit", "inherit"],
    env: { ...process.env, [INSIDE_VARIABLE]: "1" },
  });
  // An interrupt of the terminal reaches the child by itself; the others are passed on.
  process.on("SIGINT", () => undefined);
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  return child.exited;
}

/** Runs it at the level that was found, or simulated where that cannot be built. Whatever ends it, nothing stays. */
export async function runDemo(finding: LevelFinding, options: DemoOptions): Promise<DemoReport> {
  if (finding.level === "simulated") return runAtSimulatedLevel(finding, options);
  const lab = await buildLab();
  if (typeof lab === "string") return runAtSimulatedLevel({ level: "simulated", reason: lab }, options);
  try {
    return await runAtLiveLevel(finding, lab, options);
  } finally {
    await lab[Symbol.asyncDispose]();
  }
}

/** The stage, or why it cannot be built here: a container may forbid more than can be asked beforehand. */
async function buildLab(): Promise<LiveLab | string> {
  const command = selfCommand();
  try {
    return await LiveLab.create({ service: command, child: (role) => [...command, "demo", "--role", role] });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function runAtSimulatedLevel(finding: LevelFinding, options: DemoOptions): Promise<DemoReport> {
  const startedMs = performance.now();
  options.output?.write(`Level: simulated, the engine over devices in memory (${finding.reason}).\n\n`);
  const { board, screen } = open(SIMULATED_DECOY_TTL, options);
  await runSimulated(board, screen, options.signal);
  screen.end();
  return reportOf({ finding, board, hopLimits: undefined, elapsedMs: performance.now() - startedMs });
}

async function runAtLiveLevel(finding: LevelFinding, lab: LiveLab, options: DemoOptions): Promise<DemoReport> {
  const startedMs = performance.now();
  const { hopLimits } = lab;
  const decoyTtl = hopLimits.server - 1;
  options.output?.write(liveText(finding, lab, decoyTtl));
  const { board, screen } = open(decoyTtl, options);
  await untilAborted(runLive(lab, board, screen, options.signal), options.signal);
  screen.end();
  return reportOf({ finding, board, hopLimits, elapsedMs: performance.now() - startedMs });
}

/** Comes back at once when the signal comes; what is under way then fails with the lab that it works in. */
export async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  const quiet = work.catch(async (error: unknown) => {
    await Promise.race([aborted, Bun.sleep(INTERRUPT_ARRIVES_MS)]);
    if (!signal.aborted) throw error;
  });
  await Promise.race([quiet, aborted]);
}

function open(decoyTtl: number, { quick, output, colour }: DemoOptions): { board: Board; screen: Screen } {
  const board = new Board(demoPlan(decoyTtl, quick));
  const screen = openScreen(board, output ?? { write: () => undefined }, colour);
  board.changed = () => screen.update();
  return { board, screen };
}

function liveText(finding: LevelFinding, lab: LiveLab, decoyTtl: number): string {
  const client = lab.curl ? "curl" : "a client of our own (curl is not installed)";
  const families = lab.families.map((family) => `IPv${family}`).join(" and ");
  return (
    `Level: live (${finding.reason}): network namespaces, TUN devices, TLS and HTTP servers, ${client}, ` +
    `over ${families}.\nclient → censor → router → server; a hop limit of ${lab.hopLimits.censor} reaches the ` +
    `censor, ${lab.hopLimits.server} the server, decoys get ${decoyTtl}.\n\n`
  );
}
