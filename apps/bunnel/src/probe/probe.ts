// The probe from one end to the other:
//   1. find out how each host is blocked, with controls beside every test
//   2. ask those again that may be blocked or punished, when a punishment would be over
//   3. try strategies on those that are, the cheapest first, several at a time
//   4. recommend one thing
// Whatever is known at the end of its budget, or at an interruption, is told.
import type { Kind, Profile } from "@bunnel/profile";
import { attempt, type Target } from "./attempt.ts";
import { diagnose, type Diagnosis } from "./diagnose.ts";
import type { Equipment } from "./equipment.ts";
import { Names } from "./io/names.ts";
import { lookAgain, unreachedOf } from "./look-again.ts";
import type { HostSeen } from "./observation.ts";
import { observe, type ObserveParts } from "./observe.ts";
import type { ProbeQuestion } from "./question.ts";
import type { Budget, Used } from "./search/budget.ts";
import { candidatesFor } from "./search/candidates.ts";
import { recommend, type Recommendation } from "./search/recommend.ts";
import { search, type TrialResult } from "./search/search.ts";
import { type Found, targetOf } from "./target.ts";

/** What happens, as it happens. */
export type ProbeEvent =
  | { readonly type: "start"; readonly hosts: readonly string[]; readonly missing: readonly string[] }
  | { readonly type: "looking"; readonly host: string }
  /** Whether they are blocked or this machine is punished is known when a punishment would be over. */
  | { readonly type: "waiting"; readonly hosts: readonly string[]; readonly seconds: number }
  | { readonly type: "seen"; readonly seen: HostSeen; readonly diagnosis: Diagnosis; readonly isKnown: boolean }
  | { readonly type: "searching"; readonly kind: Kind; readonly hosts: readonly string[]; readonly candidates: number }
  | { readonly type: "trial"; readonly result: TrialResult; readonly used: Used };

export interface ProbeReport {
  readonly diagnoses: readonly Diagnosis[];
  readonly trials: readonly TrialResult[];
  readonly recommendation: Recommendation;
  readonly used: Used;
  /** Why it ended before everything was known; absent: it was. */
  readonly cut?: string;
  readonly missing: readonly string[];
}

/** What an earlier run of the same probe has found. */
export interface KnownResults {
  readonly seen: readonly HostSeen[];
  readonly trials: readonly TrialResult[];
}

export interface ProbeParts {
  readonly question: ProbeQuestion;
  readonly profile: Profile;
  readonly resolvers?: readonly string[];
  readonly equipment: Equipment;
  readonly budget: Budget;
  readonly known: KnownResults;
  readonly tell: (event: ProbeEvent) => void;
}

const SEARCHED = ["tls", "http", "quic"] as const;

/** Never throws for anything that the network does. */
export async function probe(parts: ProbeParts): Promise<ProbeReport> {
  const { question, equipment, budget, tell, profile, resolvers } = parts;
  const { prepareDatagrams, way, quic, sources, missing } = equipment;
  using names = new Names({
    ...{ profile, traffic: budget },
    ...(resolvers !== undefined && { resolvers }),
    ...(prepareDatagrams !== undefined && { prepareDatagrams }),
  });
  const observing: ObserveParts = { way, names, quic, sources, question, budget };
  tell({ type: "start", hosts: question.pages.map(({ host }) => host), missing });
  const found = await lookAt(parts, observing);
  const diagnoses = found.map(({ diagnosis }) => diagnosis);
  const trials: TrialResult[] = [];
  for (const kind of SEARCHED) {
    const targets: Target[] = [];
    for (const each of found) {
      if (each.diagnosis.blocked.includes(kind)) targets.push(await targetOf(observing, kind, each));
    }
    if (targets.length > 0) trials.push(...(await searchFor(parts, kind, targets)));
    for (const { pool } of targets) pool.close();
  }
  const recommendation = recommend(diagnoses, trials);
  const cut = cutOf(parts, diagnoses, recommendation);
  return { diagnoses, trials, recommendation, used: budget.used, missing, ...(cut !== undefined && { cut }) };
}

/** Every host, and those that may be punished once more at the end. */
async function lookAt({ question, budget, known, tell }: ProbeParts, observing: ObserveParts): Promise<Found[]> {
  const found: Found[] = [];
  const shut: HostSeen[] = [];
  const keep = (seen: HostSeen, isKnown: boolean): void => {
    const page = question.pages.find(({ host }) => host === seen.host);
    if (page === undefined) return;
    const diagnosis = diagnose(seen);
    found.push({ seen, diagnosis, page });
    tell({ type: "seen", seen, diagnosis, isKnown });
  };
  for (const page of question.pages) {
    if (budget.spent !== undefined) break;
    const before = known.seen.find(({ host }) => host === page.host);
    if (before === undefined) tell({ type: "looking", host: page.host });
    const seen = before ?? (await observe(observing, page));
    // What was being seen when somebody interrupted it is half the truth.
    if (before === undefined && budget.isStopped) break;
    if (before === undefined && question.punishedMs > 0 && unreachedOf(seen).length > 0) shut.push(seen);
    else keep(seen, before !== undefined);
  }
  if (shut.length > 0 && budget.spent === undefined) {
    tell({ type: "waiting", hosts: shut.map(({ host }) => host), seconds: question.punishedMs / 1000 });
  }
  await Promise.all(
    shut.map(async (first) => {
      const page = question.pages.find(({ host }) => host === first.host);
      const { isFreed, seen } = await lookAgain(observing, first);
      const last = isFreed && page !== undefined ? await observe(observing, page) : seen;
      if (!budget.isStopped) keep(last, false);
    }),
  );
  return found;
}

/** A budget that was enough is nobody's business. */
function cutOf({ budget, question }: ProbeParts, diagnoses: readonly Diagnosis[], { unsolved }: Recommendation) {
  const isWhole = diagnoses.length === question.pages.length && unsolved.length === 0;
  return isWhole && !budget.isStopped ? undefined : budget.spent;
}

function searchFor(parts: ProbeParts, kind: Kind, targets: readonly Target[]): Promise<readonly TrialResult[]> {
  const { equipment, question, budget, known, tell } = parts;
  // A relay's sockets take the system's local address: where every try needs one of its own, they are of no use.
  const hasPlace = targets.every(({ pool }) => pool.families(false).length > 0);
  const streams = equipment.abilities.streams && kind !== "quic" && hasPlace;
  const packets = equipment.abilities.packets && (kind !== "quic" || equipment.quic !== undefined);
  const candidates = candidatesFor(kind, { streams, packets });
  const hosts = targets.map(({ page }) => page.host);
  tell({ type: "searching", kind, hosts, candidates: candidates.length });
  return search({
    ...{ candidates, hosts, workers: equipment.workers },
    known: known.trials.filter(({ candidate, host }) => candidate.kind === kind && hosts.includes(host)),
    isOver: () => budget.spent !== undefined,
    attempt: async (worker, candidate, host) => {
      const target = targets.find(({ page }) => page.host === host);
      return target === undefined ? undefined : attempt({ question, budget }, worker, candidate, target);
    },
    tell: (result) => tell({ type: "trial", result, used: budget.used }),
  });
}
