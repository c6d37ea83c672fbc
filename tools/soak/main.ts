// `bun tools/soak/main.ts [--gigabytes 10] [--pump plain|uring] [--queues 1] [--offload both|a|b|none]`: so many
// gigabytes by TCP there and as many back between two namespaces, through the product's own data path over real
// devices; half by IPv4, half by IPv6. Says for each what both ends' digests are. Exit code 1: something differs.
import { parseArgs } from "node:util";
import { QUEUES_MAX } from "@bunnel/abi";
import type { PumpBackend } from "@bunnel/tun-linux";
import type { CallResult } from "./endpoint.ts";
import { B, TwoHosts, type PathOptions } from "./two-hosts.ts";

const GIGABYTE = 1e9;
const GIGABYTES_MAX = 1000;
const DATAGRAMS = 20_000;
const OFFLOADS: Readonly<Record<string, Pick<PathOptions, "offloadA" | "offloadB">>> = {
  both: { offloadA: true, offloadB: true },
  a: { offloadA: true, offloadB: false },
  b: { offloadA: false, offloadB: true },
  none: { offloadA: false, offloadB: false },
};
const PUMPS: readonly PumpBackend[] = ["plain", "uring"];

interface Order extends PathOptions {
  readonly bytes: number;
}

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  let order: Order;
  try {
    order = readOrder(words);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 2;
  }
  const { pump, queues, offloadA, offloadB } = order;
  console.log(`pump ${pump}, queues ${queues}, offload A ${offloadA}, offload B ${offloadB}`);
  await using hosts = await TwoHosts.open(order);
  let faults = 0;
  for (const address of B) faults += report(address, order.bytes / B.length, await carry(hosts, address, order));
  const wrong = hosts.kernelCounter("InCsumErrors");
  console.log(`checksums that the kernels found wrong: ${wrong}`);
  return faults === 0 && wrong === 0 ? 0 : 1;
}

function carry(hosts: TwoHosts, address: string, { bytes }: Order): Promise<CallResult> {
  return hosts.call(address, bytes / B.length, DATAGRAMS);
}

/** How many things differ that should be equal. */
function report(address: string, bytes: number, { tcp, udpIntact, udpDamaged }: CallResult): number {
  const gigabits = (2 * bytes * 8) / 1e9 / tcp.seconds;
  const amount = `${bytes / GIGABYTE} GB there and back in ${tcp.seconds.toFixed(1)} s, ${gigabits.toFixed(2)} Gbit/s`;
  console.log(`TCP to ${address}: ${amount}`);
  console.log(`  there: sent ${tcp.sentThere}\n         came ${tcp.cameThere}`);
  console.log(`  back:  sent ${tcp.sentBack}\n         came ${tcp.cameBack}`);
  console.log(`UDP to ${address}: ${udpIntact} of ${DATAGRAMS} datagrams came back intact, ${udpDamaged} damaged`);
  const checks = [
    tcp.sentThere === tcp.cameThere,
    tcp.sentBack === tcp.cameBack,
    udpIntact === DATAGRAMS,
    udpDamaged === 0,
  ];
  return checks.filter((isRight) => !isRight).length;
}

/** @throws RangeError for words that it does not know */
function readOrder(words: readonly string[]): Order {
  const { values } = parseArgs({
    args: [...words],
    options: {
      gigabytes: { type: "string", default: "10" },
      pump: { type: "string", default: "uring" },
      queues: { type: "string", default: "1" },
      offload: { type: "string", default: "both" },
    },
  });
  const gigabytes = Number(values.gigabytes);
  if (!(gigabytes > 0 && gigabytes <= GIGABYTES_MAX)) {
    throw new RangeError(`--gigabytes: expected more than 0 and at most ${GIGABYTES_MAX}, found ${values.gigabytes}`);
  }
  const pump = PUMPS.find((name) => name === values.pump);
  if (pump === undefined) throw new RangeError(`--pump: expected ${PUMPS.join(" or ")}, found ${values.pump}`);
  const queues = Number(values.queues);
  if (!Number.isInteger(queues) || queues < 1 || queues > QUEUES_MAX) {
    throw new RangeError(`--queues: expected 1 to ${QUEUES_MAX}, found ${values.queues}`);
  }
  const offload = OFFLOADS[values.offload];
  if (offload === undefined) {
    throw new RangeError(`--offload: expected ${Object.keys(OFFLOADS).join(", ")}, found ${values.offload}`);
  }
  return { bytes: Math.round(gigabytes * GIGABYTE), pump, queues, ...offload };
}
