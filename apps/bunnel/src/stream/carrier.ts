// Stream egress of `bunnel up`: a relay for each address of the device, whose sockets carry the mark, or
// are bound to the interface, that keeps them out of it.
import type {
  AnswerDns,
  CarriedFigures,
  CarrierContext,
  DatagramCarrying,
  OpenCarrier,
  StreamCarrier,
} from "@bunnel/backend";
import type { Profile } from "@bunnel/profile";
import { affordableFlows, StreamRelay, type RelayOptions, type RelayStats } from "@bunnel/stream";
import { QueryStreams } from "./query-streams.ts";
import { streamOptions } from "../proxy/proxy.ts";

/** What keeps a relay's sockets out of the device, and who carries datagrams. */
export interface CarrierOutside extends Pick<RelayOptions, "mark" | "form" | "system"> {
  /** The interface that sockets are bound to, and is followed. */
  readonly uplink?: { readonly name: string; follow(tell: (name: string) => void): () => void };
  readonly openDatagrams: (profile: Profile) => DatagramCarrying;
}

/** @param answerDns answers queries over TCP; without it they go to their servers */
export function relayCarrier(outside: CarrierOutside, answerDns?: AnswerDns): StreamCarrier {
  return {
    open: (context) => openRelays(context, outside, answerDns),
    openDatagrams: (profile) => outside.openDatagrams(profile),
  };
}

/** @throws StreamError when an address cannot be listened on; no relay is open then */
async function openRelays(
  context: CarrierContext,
  { uplink, openDatagrams: _others, ...outside }: CarrierOutside,
  answerDns?: AnswerDns,
): Promise<OpenCarrier> {
  const { listen, profile, originalDestination } = context;
  const relays: StreamRelay[] = [];
  const streams = answerDns && new QueryStreams(answerDns);
  const unfollow = uplink?.follow((name) => relays.forEach((relay) => relay.bind(name)));
  const close = (): void => {
    unfollow?.();
    for (const relay of relays) relay.close();
    streams?.close();
  };
  try {
    for (const address of listen) {
      const { datagrams: _forProxies, ...options } = streamOptions(profile);
      const maxFlows = affordableFlows(profile.stream.maxFlows, {
        ...{ relays: listen.length, beside: profile.stream.maxDatagramSessions, ...outside },
      });
      const where = { listen: { address, port: 0 }, accept: "translated" as const };
      const bound = uplink && { bindTo: uplink.name };
      relays.push(
        StreamRelay.open({ ...options, ...outside, ...bound, maxFlows, ...where, originalDestination, profile }),
      );
    }
    for (const relay of relays) await relay.ready;
  } catch (error) {
    close();
    throw error;
  }
  return {
    ports: relays.map((relay) => relay.address.port),
    async prepare({ destination, peer, client, queries }) {
      const isIpv6 = peer.address.includes(":");
      const relay = relays.find(({ address }) => address.address.includes(":") === isIpv6);
      const target = queries && streams ? await streams.at(destination, queries.resolver) : destination;
      return relay?.reach(target, peer, client) ?? "refused";
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
