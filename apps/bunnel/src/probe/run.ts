// The command: what it was asked, made into a probe; what happens, printed; what was found, kept, recorded and written.
import { existsSync } from "node:fs";
import { ExitError } from "../service/exit.ts";
import { readProfile } from "../service/read-profile.ts";
import { Equipment } from "./equipment.ts";
import { systemResolvers } from "./io/names.ts";
import type { HostSeen } from "./observation.ts";
import { probe, type ProbeEvent, type ProbeReport } from "./probe.ts";
import { type ProbeQuestion, readKnown, readPage } from "./question.ts";
import { progressText, reportText } from "./report.ts";
import { Budget } from "./search/budget.ts";
import type { TrialResult } from "./search/search.ts";
import { defaultStatePath, StateFile } from "./state-file.ts";
import { remember } from "./remember.ts";
import { TEST_HOSTS } from "./test-hosts.ts";
import { writeRules } from "./write-profile.ts";

export interface ProbeOptions {
  readonly region: string;
  readonly profile?: string;
  readonly write?: boolean;
  readonly seconds: number;
  readonly connections: number;
  readonly octets: number;
  readonly parallel: number;
  readonly repeats: number;
  readonly patience: number;
  readonly punished: number;
  readonly harmless: string;
  readonly source?: readonly string[];
  readonly resolve?: readonly string[];
  readonly resolver?: readonly string[];
  readonly certificates?: string;
  readonly family?: "4" | "6";
  readonly stream?: boolean;
  readonly quic: boolean;
  readonly state?: string;
  readonly stateDir: string;
  readonly remember: boolean;
  readonly fresh?: boolean;
  readonly json?: boolean;
}

/** Something is blocked, and nothing was found that helps. */
const STATUS_UNSOLVED = 3;
/** It was interrupted. */
const STATUS_INTERRUPTED = 130;

/** @throws ExitError, ProfileError for what was asked wrong */
export async function runProbe(hosts: readonly string[], options: ProbeOptions): Promise<void> {
  const question = await questionOf(hosts, options);
  if (options.write === true && options.profile === undefined) {
    throw new ExitError("--write needs --profile: the file that the rules go to", 2);
  }
  const isNew = options.profile !== undefined && options.write === true && !existsSync(options.profile);
  const profile = await readProfile(options.profile === undefined || isNew ? {} : { profile: options.profile });
  const state = new StateFile(options.state ?? defaultStatePath(), keyOf(question, options));
  const earlier = options.fresh === true ? undefined : state.read();
  // Each run has a budget of its own: what an earlier one has found is not paid for again.
  const { seconds, connections, octets } = options;
  const budget = new Budget({ seconds, connections, octets });
  const isInterrupted = onInterrupt(() => budget.stop());
  const known = { seen: earlier?.seen ?? [], trials: earlier?.trials ?? [] };
  const kept = new Kept(state, budget, known);
  const report = await withEquipment(options, budget, (equipment) =>
    probe({
      ...{ question, profile, equipment, budget, known },
      ...(options.resolver !== undefined && { resolvers: options.resolver }),
      tell: (event) => {
        kept.hear(event);
        tell(options, event);
      },
    }),
  );
  if (report.cut === undefined) state.remove();
  const remembered = options.remember ? await remember(report, options.stateDir) : undefined;
  if (remembered !== undefined) process.stderr.write(`bunnel: ${remembered}\n`);
  if (options.json === true) print({ type: "report", ...report, rulesWritten: await written(report, options) });
  else {
    process.stdout.write(`${reportText(report)}\n`);
    const path = await written(report, options);
    if (path !== undefined) process.stdout.write(`The rules are in ${path}.\n`);
  }
  process.exitCode = isInterrupted()
    ? STATUS_INTERRUPTED
    : report.recommendation.unsolved.length > 0
      ? STATUS_UNSOLVED
      : 0;
}

async function questionOf(hosts: readonly string[], options: ProbeOptions): Promise<ProbeQuestion> {
  const listed = TEST_HOSTS.regions[options.region];
  if (hosts.length === 0 && listed === undefined) {
    throw new ExitError(`region ${options.region}: expected one of ${Object.keys(TEST_HOSTS.regions).join(", ")}`, 2);
  }
  if (hosts.length === 0) process.stderr.write(`bunnel: hosts of the list of ${TEST_HOSTS.gathered}\n`);
  const pages = (hosts.length > 0 ? hosts : (listed ?? [])).map(readPage);
  const authorities = options.certificates === undefined ? undefined : [await readText(options.certificates)];
  return {
    pages: pages.filter(({ host }, index) => pages.findIndex((page) => page.host === host) === index),
    harmless: readPage(options.harmless).host,
    known: readKnown(options.resolve ?? []),
    patienceMs: options.patience * 1000,
    punishedMs: options.punished * 1000,
    repeats: options.repeats,
    quic: options.quic,
    families: options.family === undefined ? [4, 6] : [options.family === "4" ? 4 : 6],
    ...(authorities !== undefined && { authorities }),
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await Bun.file(path).text();
  } catch (cause) {
    throw new ExitError(`certificates ${path} cannot be read`, 2, { cause });
  }
}

/** A probe goes on where everything is as it was, the network's resolvers among it. */
function keyOf({ known, ...question }: ProbeQuestion, { stream, resolver }: ProbeOptions): unknown {
  return [question, [...known], stream === true, resolver ?? systemResolvers(), process.geteuid?.() === 0];
}

async function withEquipment<Result>(
  { parallel, stream, patience, quic, certificates, source = [] }: ProbeOptions,
  budget: Budget,
  work: (equipment: Equipment) => Promise<Result>,
): Promise<Result> {
  await using equipment = await Equipment.open({
    ...{ parallel, budget, quic, streamOnly: stream === true, patienceMs: patience * 1000, sources: source },
    ...(certificates !== undefined && { authoritiesPath: certificates }),
  });
  return await work(equipment);
}

/** The first signal ends the probe in order, with what is known; the second at once. */
function onInterrupt(stop: () => void): () => boolean {
  let count = 0;
  const hear = (): void => {
    count++;
    if (count > 1) process.exit(STATUS_INTERRUPTED);
    process.stderr.write("bunnel: ending with what is known; once more ends at once\n");
    stop();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, hear);
  return () => count > 0;
}

/** Puts down what happens, so that the next run need not find it out again. */
class Kept {
  readonly #seen: HostSeen[];
  readonly #trials: TrialResult[];

  constructor(
    readonly state: StateFile,
    readonly budget: Budget,
    known: { readonly seen: readonly HostSeen[]; readonly trials: readonly TrialResult[] },
  ) {
    this.#seen = [...known.seen];
    this.#trials = [...known.trials];
  }

  hear(event: ProbeEvent): void {
    if (event.type === "seen" && !event.isKnown) this.#seen.push(event.seen);
    else if (event.type === "trial") this.#trials.push(event.result);
    else return;
    this.state.write({ seen: this.#seen, trials: this.#trials, used: this.budget.used });
  }
}

function tell({ json }: ProbeOptions, event: ProbeEvent): void {
  if (json === true) return print(event);
  const text = progressText(event);
  if (text !== undefined) process.stderr.write(`${text}\n`);
}

function print(data: unknown): void {
  process.stdout.write(`${JSON.stringify(data)}\n`);
}

/** The file that the rules were put into; undefined: none was asked for, or there is nothing to write. */
async function written({ recommendation }: ProbeReport, { write, profile }: ProbeOptions): Promise<string | undefined> {
  if (write !== true || profile === undefined || recommendation.rules.length === 0) return undefined;
  await writeRules(profile, recommendation.rules);
  return profile;
}
