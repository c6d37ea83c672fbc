// Bulk TCP on two paths that are made alike, the service on one of them. The paths take turns of ten milliseconds, in
// pairs, every other pair in reverse; the service changes sides with each round.
//
//   service up on one client → it comes to rest → for each way: connections, warm-up, pairs of turns → service down
import { ServiceProcess } from "./service-process.ts";
import type { ServiceHosts, Turn } from "./service-hosts.ts";

/** Of one way in a round: a hundred and fifty pairs. */
const WAY_SECONDS = 3;
export const BULK_WAYS = ["up", "down", "both"] as const;
export type BulkWay = (typeof BULK_WAYS)[number];

/** Of one turn. */
export interface BulkHalf {
  readonly gigabitsPerSecond: number;
  /** Processor time of both ends, with that of the kernel in their name, and of the service on this path. */
  readonly nanosecondsPerOctet: number;
  /** The same without the service's: what the kernel's part of it costs each packet. */
  readonly kernelNanosecondsPerOctet: number;
  /** The service's own, of the time that passed: percent of one processor. */
  readonly servicePercent: number;
}

export interface BulkPair {
  readonly way: BulkWay;
  readonly bare: BulkHalf;
  readonly ours: BulkHalf;
}

/** Pairs for each way. @throws Error when the service planned fewer messages than there were connections */
export async function measureBulk(
  hosts: ServiceHosts,
  profile: string,
  { ways, round }: { readonly ways: readonly BulkWay[]; readonly round: number },
): Promise<BulkPair[]> {
  const [bare, ours] = round % 2 === 0 ? hosts.clients.toReversed() : hosts.clients;
  if (bare === undefined || ours === undefined) throw new RangeError("bulk: expected two clients, found fewer");
  const service = await ServiceProcess.start(hosts.stage, ours, profile);
  await service.settle();
  const measured: BulkPair[] = [];
  for (const way of ways) {
    const before = { used: service.processorSeconds(), at: Bun.nanoseconds() };
    const turns = await hosts.turns(way, WAY_SECONDS, { bare, ours });
    const share = (service.processorSeconds() - before.used) / ((Bun.nanoseconds() - before.at) / 1e9);
    for (const [pair, turn] of turns.ours.entries()) {
      const other = turns.bare[pair];
      if (other !== undefined) measured.push({ way, bare: halfOf(other, 0), ours: halfOf(turn, share) });
    }
  }
  await service.stop(ways.length);
  return measured;
}

/** `share`: of one processor that the service uses, whosever turn it is. */
function halfOf({ bytes, nanoseconds, cpuNanoseconds }: Turn, share: number): BulkHalf {
  return {
    gigabitsPerSecond: (bytes * 8) / nanoseconds,
    nanosecondsPerOctet: (cpuNanoseconds + share * nanoseconds) / bytes,
    kernelNanosecondsPerOctet: cpuNanoseconds / bytes,
    servicePercent: 100 * share,
  };
}
