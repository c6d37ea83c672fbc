// Where trials for a host go to, and from where: addresses at which the test was told from its control. Where a box
// punishes, it is found out first what can be tried at all:
//   fresh     from a local address that nobody knows, an address of the host answers although it was just punished
//   resting   another address of the host answers, so a trial may burn one and let it rest
//   left out  neither; in the other family there is a way
import type { Kind } from "@bunnel/profile";
import type { Target } from "./attempt.ts";
import type { Diagnosis } from "./diagnose.ts";
import { type HostSeen, isAnswered, isConnected, type ProbeFamily } from "./observation.ts";
import { hello, type ObserveParts, trustedNames } from "./observe.ts";
import { familyOf, type ProbedPage } from "./question.ts";
import { AddressPool, type FamilyMode } from "./search/address-pool.ts";

/** What is known of a host before the search. */
export interface Found {
  readonly seen: HostSeen;
  readonly diagnosis: Diagnosis;
  readonly page: ProbedPage;
}

/** Addresses that are asked whether they are free. */
const ASKED_MAX = 3;

type IsFree = (address: string, source?: string) => Promise<boolean>;

/** Asks the network where somebody punishes. */
export async function targetOf(parts: ObserveParts, kind: Kind, found: Found): Promise<Target> {
  const { seen, diagnosis, page } = found;
  const { sources, budget } = parts;
  const names = await trustedNames(parts, page.host);
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
  const isFree = freeTest(parts, kind);
  const isHit = (address: string): boolean => tested.some((each) => each.address === address);
  const modes = hasPenalty
    ? await modesOf(parts, addresses, isHit, isFree)
    : new Map([...families].map((family) => [family, "shared"] as const));
  const isOver = (): boolean => budget.spent !== undefined;
  const pool = new AddressPool(addresses, { modes, isFree, isOver, sources });
  // Where the diagnosis ran into the box, its punishment has begun.
  for (const { address } of tested) pool.give({ address, source: undefined }, true);
  const forged = diagnosis.findings.some((finding) => finding.kind === "redirect")
    ? tested.find(({ http }) => http?.location !== undefined)?.http?.location
    : undefined;
  return { page, pool, forged, leftOut: [...families].filter((family) => !modes.has(family)) };
}

function freeTest(parts: ObserveParts, kind: Kind): IsFree {
  const { question, quic } = parts;
  const { harmless: name } = question;
  return async (address, source) => {
    if (kind !== "quic") return isAnswered(await hello(parts, { address, name, source }));
    const asked = await quic?.ask({ address, name, path: "/", source });
    return (asked?.answered ?? 0) > 0;
  };
}

/** A family that is not there cannot be used. */
async function modesOf(
  { sources }: ObserveParts,
  addresses: readonly string[],
  isHit: (address: string) => boolean,
  isFree: IsFree,
): Promise<ReadonlyMap<ProbeFamily, FamilyMode>> {
  const modes = new Map<ProbeFamily, FamilyMode>();
  const families = [...new Set(addresses.map(familyOf))];
  const restless: ProbeFamily[] = [];
  await Promise.all(
    families.map(async (family) => {
      const own = addresses.filter((address) => familyOf(address) === family);
      const hit = own.filter(isHit);
      if (await isFreeFromElsewhere(sources, hit.slice(0, ASKED_MAX), isFree)) modes.set(family, "fresh");
      else if (await isAnyFree(own.filter((address) => !isHit(address)).slice(0, ASKED_MAX), isFree)) {
        modes.set(family, "resting");
      } else restless.push(family);
    }),
  );
  // Punishments end: where there is no better way at all, that is waited for.
  if (modes.size === 0) for (const family of restless) modes.set(family, "resting");
  return modes;
}

async function isFreeFromElsewhere(
  sources: ObserveParts["sources"],
  hit: readonly string[],
  isFree: IsFree,
): Promise<boolean> {
  if (sources === undefined || hit.length === 0) return false;
  const free = await Promise.all(
    hit.map(async (address) => {
      const source = await sources.take(address);
      if (source === undefined || !(await isFree(address, source))) return false;
      sources.giveBack(source);
      return true;
    }),
  );
  return free.every(Boolean);
}

async function isAnyFree(addresses: readonly string[], isFree: IsFree): Promise<boolean> {
  const free = await Promise.all(addresses.map((address) => isFree(address)));
  return free.some(Boolean);
}
