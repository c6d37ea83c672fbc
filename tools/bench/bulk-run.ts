// Bulk TCP on two paths that are made alike, the service on one of them: each pair of transfers is one on either path,
// right behind each other, and every other pair in reverse. The service changes sides with each round.
//
//   service up on one client → it comes to rest → warm-up on both paths → pairs → service down
import type { Namespace } from "./namespace.ts";
import { softirqSeconds } from "./processor-time.ts";
import { gigabitsPerSecond, type ServiceHosts, type Transfer } from "./service-hosts.ts";
import { ServiceProcess } from "./service-process.ts";

/** Long enough for windows to open, short enough that what disturbs one disturbs its pair. */
const TRANSFER_SECONDS = 0.4;
export const BULK_WAYS = ["up", "down", "both"] as const;
export type BulkWay = (typeof BULK_WAYS)[number];

/** Of one transfer. */
export interface BulkHalf {
  readonly gigabitsPerSecond: number;
  /** Processor time of both ends, of the kernel's threads for packets and of the service on this path. */
  readonly nanosecondsPerOctet: number;
  /** The service's part of that, of the transfer's time: percent of one processor. */
  readonly servicePercent: number;
}

export interface BulkPair {
  readonly way: BulkWay;
  readonly bare: BulkHalf;
  readonly ours: BulkHalf;
}

/** So many pairs for each way. @throws Error when the service planned fewer messages than there were streams */
export async function measureBulk(
  hosts: ServiceHosts,
  profile: string,
  { ways, pairs, round }: { readonly ways: readonly BulkWay[]; readonly pairs: number; readonly round: number },
): Promise<BulkPair[]> {
  const [bare, ours] = round % 2 === 0 ? hosts.clients.toReversed() : hosts.clients;
  if (bare === undefined || ours === undefined) throw new RangeError("bulk: expected two clients, found fewer");
  const service = await ServiceProcess.start(hosts.stage, ours, profile);
  await service.settle();
  const paths: Record<"bare" | "ours", () => Promise<BulkHalf>>[] = ways.map((way) => ({
    bare: () => transfer(hosts, bare, way),
    ours: () => transfer(hosts, ours, way, service),
  }));
  for (const path of paths) {
    await path.ours();
    await path.bare();
  }
  const measured: BulkPair[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    for (const [index, path] of paths.entries()) {
      const order = (pair + index) % 2 === 0 ? (["bare", "ours"] as const) : (["ours", "bare"] as const);
      const halves: Partial<Record<"bare" | "ours", BulkHalf>> = {};
      for (const half of order) halves[half] = await path[half]();
      const { bare: first, ours: second } = halves;
      const way = ways[index];
      if (way && first && second) measured.push({ way, bare: first, ours: second });
    }
  }
  const streams = ways.reduce((sum, way) => sum + (way === "both" ? 2 : 1), 0);
  await service.stop(streams * (pairs + 1));
  return measured;
}

async function transfer(
  hosts: ServiceHosts,
  client: Namespace,
  way: BulkWay,
  service?: ServiceProcess,
): Promise<BulkHalf> {
  const before = { softirq: softirqSeconds(), service: service?.processorSeconds() ?? 0 };
  const streams: Promise<Transfer>[] = [];
  if (way !== "down") streams.push(hosts.up(client, TRANSFER_SECONDS));
  if (way !== "up") streams.push(hosts.down(client, TRANSFER_SECONDS));
  const done = await Promise.all(streams);
  const serviceSeconds = (service?.processorSeconds() ?? 0) - before.service;
  const octets = done.reduce((sum, { bytes }) => sum + bytes, 0);
  const ends = done.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  return {
    gigabitsPerSecond: done.reduce((sum, each) => sum + gigabitsPerSecond(each), 0),
    nanosecondsPerOctet: ((ends + softirqSeconds() - before.softirq + serviceSeconds) * 1e9) / octets,
    servicePercent: (100 * serviceSeconds) / Math.max(...done.map(({ seconds }) => seconds)),
  };
}
