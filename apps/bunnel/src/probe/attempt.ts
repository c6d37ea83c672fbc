// One candidate at one host: in force for one worker, tried with both shapes of hello and in each family, again and
// again. The first failure ends it.
import type { PacketSlot } from "./ways/packet-path.linux.ts";
import type { RelayWay } from "./io/relay-way.ts";
import { exchange } from "./io/exchange.ts";
import type { QuicClient } from "./io/quic-client.ts";
import type { Way } from "./io/way.ts";
import { type Exchange, isGood, isServed, RATE_MIN } from "./observation.ts";
import { whole } from "./observe.ts";
import type { ProbeFamily } from "./observation.ts";
import { familyOf, type ProbedPage, type ProbeQuestion } from "./question.ts";
import type { AddressPool, Place } from "./search/address-pool.ts";
import type { Budget } from "./search/budget.ts";
import type { Candidate } from "./search/candidates.ts";
import type { TrialResult } from "./search/search.ts";

/** What one worker has to try things with. */
export interface ProbeWorker {
  readonly packets: PacketSlot | undefined;
  readonly relay: RelayWay | undefined;
  readonly quic: QuicClient | undefined;
}

/** A host in the search. */
export interface Target {
  readonly page: ProbedPage;
  readonly pool: AddressPool;
  /** Where plain HTTP for the host is sent by the box. */
  readonly forged: string | undefined;
  /** Families in which the host is and nothing can be tried: every try would be punished for an earlier one. */
  readonly leftOut: readonly ProbeFamily[];
}

export interface AttemptParts {
  readonly question: ProbeQuestion;
  readonly budget: Budget;
}

/** Undefined: it was over before it could be told. */
export async function attempt(
  parts: AttemptParts,
  worker: ProbeWorker,
  candidate: Candidate,
  target: Target,
): Promise<TrialResult | undefined> {
  const began = performance.now();
  const { question, budget } = parts;
  const way = candidate.egress === "stream" ? worker.relay : worker.packets?.way;
  if (way === undefined) return undefined;
  (candidate.egress === "stream" ? worker.relay : worker.packets)?.use(candidate.strategy);
  const { pool } = target;
  const canChoose = candidate.egress === "packet";
  const wanted = Math.max(question.repeats, pool.families(canChoose).length);
  const families = new Set<ProbeFamily>();
  let last: Exchange | undefined;
  let times = 0;
  for (; times < wanted; times++) {
    const place = await nextPlace(parts, () => pool.families(canChoose), pool, times);
    if (place === undefined) return undefined;
    last = await once(parts, worker, candidate, { target, way, place, times });
    // Nobody was given the time to answer.
    if (budget.isStopped) return undefined;
    const isRight = isWorking(candidate, target, last);
    pool.give(place, !isRight);
    if (!isRight) break;
    families.add(familyOf(place.address));
  }
  const ms = Math.round(performance.now() - began);
  const works = times === wanted;
  const leftOut = ([4, 6] as const).filter(
    (family) => target.leftOut.includes(family) || (pool.addresses.some(isOf(family)) && !families.has(family)),
  );
  return {
    ...{ host: target.page.host, candidate, works, times, how: last === undefined ? "" : shown(last), ms },
    ...(works && leftOut.length > 0 && { leftOut }),
  };
}

function isOf(family: ProbeFamily): (address: string) => boolean {
  return (address) => familyOf(address) === family;
}

/** The families in turn; one whose local addresses are used up is passed over. Undefined: it is over. */
async function nextPlace(
  { budget }: AttemptParts,
  familiesNow: () => readonly ProbeFamily[],
  pool: AddressPool,
  times: number,
): Promise<Place | undefined> {
  for (;;) {
    const families = familiesNow();
    const family = families[times % families.length];
    if (family === undefined || budget.spent !== undefined) return undefined;
    const place = await pool.take(family);
    if (place !== undefined) return place;
  }
}

interface Once {
  readonly target: Target;
  readonly way: Way;
  readonly place: Place;
  readonly times: number;
}

function once(
  { question, budget }: AttemptParts,
  worker: ProbeWorker,
  { kind }: Candidate,
  { target, way, place, times }: Once,
): Promise<Exchange> {
  const { page } = target;
  if (kind === "quic" && worker.quic !== undefined)
    return worker.quic.ask({ ...place, name: page.host, path: page.path });
  if (kind !== "http") {
    return whole({ way, question, budget }, page, place, times % 2 === 0 ? "post-quantum" : "classic");
  }
  const { patienceMs } = question;
  return exchange(way, { ...place, name: page.host, path: page.path, scheme: "http", patienceMs }, budget);
}

/** Over HTTP there is no certificate: what counts is that it is not the box's answer. */
function isWorking({ kind }: Candidate, { forged }: Target, seen: Exchange): boolean {
  if (kind !== "http") return isGood(seen);
  // Servers answer 400 to what a decoy has made of a request.
  const isFast = (seen.bytesPerSecond ?? RATE_MIN) >= RATE_MIN;
  return seen.end === "done" && isFast && seen.status !== 400 && (forged === undefined || seen.location !== forged);
}

/** An exchange in short. */
export function shown(seen: Exchange): string {
  const { stage, end, certificate, bodyBytes, isWhole, bytesPerSecond, status, words } = seen;
  const size = `${Math.round(bodyBytes / 1024)} KiB`;
  const rate = bytesPerSecond === undefined ? "" : ` at ${Math.round(bytesPerSecond / 1024)} KiB/s`;
  if (end === "done") {
    const page = isWhole === true ? `whole page of ${bodyBytes} octets` : size;
    const slow = isServed(seen) && bytesPerSecond !== undefined && bytesPerSecond < RATE_MIN ? "too slow: " : "";
    return `${slow}status ${status ?? "none"}, ${page}${rate}`;
  }
  if (certificate !== undefined && certificate !== "valid") return `foreign certificate (${certificate})`;
  if (stage === "body") return `${end} after ${size}`;
  return `${end} at the ${stage}${end === "broken" && words !== undefined ? ` (${words})` : ""}`;
}
