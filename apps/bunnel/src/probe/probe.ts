// The probe from one end to the other:
//   1. find out how each host is blocked, with controls beside every test
//   2. try strategies on those that are, the cheapest first, several at a time
//   3. recommend one thing
// Whatever is known at the end of its budget, or at an interruption, is told.
import type { Kind, Profile } from "@bunnel/profile";
import { attempt, type Target } from "./attempt.ts";
import { diagnose, type Diagnosis } from "./diagnose.ts";
import type { Equipment } from "./equipment.ts";
import { exchange } from "./io/exchange.ts";
import { Names } from "./io/names.ts";
import { type HostSeen, isAnswered, isConnected } from "./observation.ts";
import { observe, type ObserveParts, trustedNames } from "./observe.ts";
import { familyOf, type ProbedPage, type ProbeQuestion } from "./question.ts";
import { AddressPool } from "./search/address-pool.ts";
import type { Budget, Used } from "./search/budget.ts";
import { candidatesFor } from "./search/candidates.ts";
import { recommend, type Recommendation } from "./search/recommend.ts";
import { search, type TrialResult } from "./search/search.ts";

/** What happens, as it happens. */
export type ProbeEvent =
  | { readonly type: "start"; readonly hosts: readonly string[]; readonly missing: readonly string[] }
  | { readonly type: "looking"; readonly host: string }
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
  const { question, equipment, budget, known, tell, profile, resolvers } = parts;
  const { prepareDatagrams, way, quic, missing } = equipment;
  using names = new Names({
    ...{ profile, traffic: budget },
    ...(resolvers !== undefined && { resolvers }),
    ...(prepareDatagrams !== undefined && { prepareDatagrams }),
  });
  const observing: ObserveParts = { way, names, quic, question, budget };
  tell({ type: "start", hosts: question.pages.map(({ host }) => host), missing });
  const found: { readonly seen: HostSeen; readonly diagnosis: Diagnosis; readonly page: ProbedPage }[] = [];
  for (const page of question.pages) {
    if (budget.spent !== undefined) break;
    const before = known.seen.find(({ host }) => host === page.host);
    if (before === undefined) tell({ type: "looking", host: page.host });
    const seen = before ?? (await observe(observing, page));
    // What was being seen when somebody interrupted it is half the truth.
    if (before === undefined && budget.isStopped) break;
    const diagnosis = diagnose(seen);
    found.push({ seen, diagnosis, page });
    tell({ type: "seen", seen, diagnosis, isKnown: before !== undefined });
  }
  const diagnoses = found.map(({ diagnosis }) => diagnosis);
  const trials: TrialResult[] = [];
  for (const kind of SEARCHED) {
    const targets: Target[] = [];
    for (const each of found) {
      if (each.diagnosis.blocked.includes(kind)) targets.push(await targetOf(parts, observing, kind, each));
    }
    if (targets.length > 0) trials.push(...(await searchFor(parts, kind, targets)));
    for (const { pool } of targets) pool.close();
  }
  const recommendation = recommend(diagnoses, trials);
  const cut = cutOf(parts, diagnoses, recommendation);
  return { diagnoses, trials, recommendation, used: budget.used, missing, ...(cut !== undefined && { cut }) };
}

/** A budget that was enough is nobody's business. */
function cutOf({ budget, question }: ProbeParts, diagnoses: readonly Diagnosis[], { unsolved }: Recommendation) {
  const isWhole = diagnoses.length === question.pages.length && unsolved.length === 0;
  return isWhole && !budget.isStopped ? undefined : budget.spent;
}

interface Found {
  readonly seen: HostSeen;
  readonly diagnosis: Diagnosis;
  readonly page: ProbedPage;
}

/** Where trials for a host go: addresses at which the test was told from its control. */
async function targetOf(parts: ProbeParts, observing: ObserveParts, kind: Kind, found: Found): Promise<Target> {
  const { seen, diagnosis, page } = found;
  const { question, equipment, budget } = parts;
  const names = await trustedNames(observing, page.host);
  const all = typeof names === "string" ? [] : names;
  const tested = seen.addresses.filter(({ isTrusted }) => isTrusted);
  const isDead = (address: string): boolean => {
    const there = tested.find((each) => each.address === address);
    return there !== undefined && !there.own.some(isConnected) && !isConnected(there.harmless);
  };
  const families = new Set(tested.filter(({ address }) => !isDead(address)).map(({ family }) => family));
  // Other addresses of the host are of use where boxes punish; elsewhere those that were tested are enough.
  const hasPenalty = kind === "quic" ? diagnosis.hasQuicPenalty : diagnosis.hasPenalty;
  const more = hasPenalty ? all : tested.map(({ address }) => address);
  const addresses = more.filter((address) => families.has(familyOf(address)) && !isDead(address));
  const { way } = equipment;
  const { patienceMs, harmless } = question;
  const order = { name: harmless, scheme: "https", isHelloOnly: true, patienceMs } as const;
  const isFree = async (address: string): Promise<boolean> => {
    if (kind !== "quic") return isAnswered(await exchange(way, { ...order, address }, budget));
    const asked = await equipment.quic?.ask({ address, name: harmless, path: "/" });
    return (asked?.answered ?? 0) > 0;
  };
  const isOver = (): boolean => budget.spent !== undefined;
  const pool = new AddressPool(addresses, { hasPenalty, isFree, isOver });
  // Where the diagnosis ran into the box, its punishment has begun.
  for (const { address } of tested) pool.give(address, true);
  const forged = diagnosis.findings.some((finding) => finding.kind === "redirect")
    ? tested.find(({ http }) => http?.location !== undefined)?.http?.location
    : undefined;
  return { page, pool, forged };
}

function searchFor(parts: ProbeParts, kind: Kind, targets: readonly Target[]): Promise<readonly TrialResult[]> {
  const { equipment, question, budget, known, tell } = parts;
  const streams = equipment.abilities.streams && kind !== "quic";
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
