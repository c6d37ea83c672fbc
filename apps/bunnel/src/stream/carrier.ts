// Stream egress of `bunnel up`: a relay for each address of the device, whose sockets carry the mark that keeps them
// out of it.
import type { AnswerDns, CarriedFigures, CarrierContext, OpenCarrier, StreamCarrier } from "@bunnel/backend";
import { affordableFlows, StreamRelay, type RelayStats } from "@bunnel/stream";
import { openDatagrams } from "./carry.ts";
import { QueryStreams } from "./query-streams.ts";
import { streamOptions } from "../proxy/proxy.ts";
import type { WatchedRelays } from "./watched-relays.ts";

/**
 * @param mark of packets that are not taken into the device
 * @param answerDns answers queries over TCP; without it they go to their servers
 * @param watched whoever looks at what becomes of flows
 */
export function relayCarrier(mark: number, answerDns?: AnswerDns, watched?: WatchedRelays): StreamCarrier {
  return {
    open: (context) => openRelays(context, mark, answerDns, watched),
    openDatagrams: (profile) => openDatagrams(profile, mark),
  };
}

/** @throws StreamError when an address cannot be listened on; no relay is open then */
async function openRelays(
  context: CarrierContext,
  mark: number,
  answerDns: AnswerDns | undefined,
  watched: WatchedRelays | undefined,
): Promise<OpenCarrier> {
  const { listen, profile, originalDestination } = context;
  const relays: StreamRelay[] = [];
  const streams = answerDns && new QueryStreams(answerDns);
  const close = (): void => {
    for (const relay of relays) relay.close();
    streams?.close();
  };
  try {
    for (const address of listen) {
      const { datagrams: _forProxies, ...options } = streamOptions(profile);
      const maxFlows = affordableFlows(profile.stream.maxFlows, listen.length, profile.stream.maxDatagramSessions);
      const where = { listen: { address, port: 0 }, accept: "translated" as const };
      const how = { mark, tellsMessages: watched !== undefined };
      relays.push(StreamRelay.open({ ...options, maxFlows, ...where, originalDestination, profile, ...how }));
    }
    watched?.follow(relays);
    for (const relay of relays) await relay.ready;
  } catch (error) {
    close();
    throw error;
  }
  return {
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
}

/** The figures of all relays together. */
function sumOf(all: readonly RelayStats[]): CarriedFigures {
  const [first] = all;
  if (first === undefined) return {};
  const names = Object.keys(first) as (keyof RelayStats)[];
  return Object.fromEntries(names.map((name) => [name, all.reduce((sum, stats) => sum + stats[name], 0)]));
}
