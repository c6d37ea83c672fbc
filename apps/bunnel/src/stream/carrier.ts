// Stream egress of `bunnel up`: a relay for each address of the device, whose sockets carry the mark that keeps them
// out of it.
import type { AnswerDns, CarriedFigures, CarrierContext, OpenCarrier, StreamCarrier } from "@bunnel/backend";
import { selectionOf } from "@bunnel/profile";
import { affordableFlows, RelayGroup, type RelayStats } from "@bunnel/stream";
import { openDatagrams } from "./carry.ts";
import { QueryStreams } from "./query-streams.ts";
import { streamOptions } from "../proxy/proxy.ts";

/**
 * @param mark of packets that are not taken into the device
 * @param answerDns answers queries over TCP; without it they go to their servers
 */
export function relayCarrier(mark: number, answerDns?: AnswerDns): StreamCarrier {
  return {
    open: (context) => openRelays(context, mark, answerDns),
    openNow: (context) => openRelaysNow(context, mark, answerDns),
    openDatagrams: (profile) => openDatagrams(profile, mark),
  };
}

type Made = readonly [carrier: OpenCarrier, relays: readonly RelayGroup[]];

/** @throws StreamError when an address cannot be listened on; no relay is open then */
async function openRelays(context: CarrierContext, mark: number, answerDns?: AnswerDns): Promise<OpenCarrier> {
  const [carrier, relays] = makeRelays(context, mark, answerDns);
  try {
    // Others could not read their code once the process is somebody else.
    for (const relay of relays) if (!relay.isLate) await relay.start();
  } catch (error) {
    carrier.close();
    throw error;
  }
  return carrier;
}

/**
 * For a service that has given up its privileges: each thread reads its code when it begins.
 * @throws StreamError as above
 * @throws Error where it could not be read
 */
function openRelaysNow(context: CarrierContext, mark: number, answerDns?: AnswerDns): OpenCarrier {
  if (process.geteuid?.() !== 0 && !RelayGroup.mayStartLate()) {
    throw new Error("the first rule with stream egress: not all users may read bunnel's own files; start it anew");
  }
  const [carrier, relays] = makeRelays(context, mark, answerDns);
  // The first connection shall not wait for it; what goes wrong is told by `closed`.
  if (wantsConnections(context)) void relays[0]?.start().catch(() => undefined);
  return carrier;
}

function wantsConnections({ profile }: CarrierContext): boolean {
  return selectionOf(profile).stream !== undefined;
}

function makeRelays(context: CarrierContext, mark: number, answerDns?: AnswerDns): Made {
  const { listen, profile, originalDestination } = context;
  const { maxFlows: wanted, maxDatagramSessions } = profile.stream;
  const flows = affordableFlows(wanted, listen.length, maxDatagramSessions);
  const { datagrams: _forProxies, maxFlows: _shared, ...options } = streamOptions(profile);
  const relays: RelayGroup[] = [];
  const streams = answerDns && new QueryStreams(answerDns);
  const close = (): void => {
    for (const relay of relays) relay.close();
    streams?.close();
  };
  try {
    for (const [index, address] of listen.entries()) {
      // Queries over TCP are few, and so are connections of the second family: their threads wait for the first one.
      const late = !wantsConnections(context) || index > 0;
      const where = { listen: { address, port: 0 }, originalDestination, late };
      relays.push(RelayGroup.open({ ...options, ...where, flows, profile, mark }));
    }
  } catch (error) {
    close();
    throw error;
  }
  const carrier: OpenCarrier = {
    ports: relays.map((relay) => relay.address.port),
    async prepare({ destination, peer, queries }) {
      const isIpv6 = peer.address.includes(":");
      const relay = relays.find(({ address }) => address.address.includes(":") === isIpv6);
      const target = queries && streams ? await streams.at(destination, queries.resolver) : destination;
      return relay?.reach(target, peer) ?? "refused";
    },
    load: (next) => {
      for (const relay of relays) relay.load(next);
    },
    get figures() {
      return sumOf(relays.map(({ stats }) => stats));
    },
    closed: Promise.race(relays.map((relay) => relay.closed)),
    close,
    [Symbol.dispose]: close,
  };
  return [carrier, relays];
}

/** The figures of all relays together. */
function sumOf(all: readonly RelayStats[]): CarriedFigures {
  const [first] = all;
  if (first === undefined) return {};
  const names = Object.keys(first) as (keyof RelayStats)[];
  return Object.fromEntries(names.map((name) => [name, all.reduce((sum, stats) => sum + stats[name], 0)]));
}
