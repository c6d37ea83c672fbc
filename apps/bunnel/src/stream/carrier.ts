// Stream egress of `bunnel up`: a relay for each address of the device, whose sockets carry the mark, or are bound to
// the interface, that keeps them out of it.
import type {
  AnswerDns,
  CarriedFigures,
  CarrierContext,
  DatagramCarrying,
  OpenCarrier,
  StreamCarrier,
} from "@bunnel/backend";
import { selectionOf, type Profile } from "@bunnel/profile";
import { affordableFlows, RelayGroup, type RelayOptions, type RelayStats } from "@bunnel/stream";
import { QueryStreams } from "./query-streams.ts";
import { streamOptions } from "../proxy/proxy.ts";
import type { WatchedRelays } from "./watched-relays.ts";

/** What keeps a relay's sockets out of the device, and who carries datagrams. */
export interface CarrierOutside extends Pick<RelayOptions, "mark" | "form" | "system"> {
  /** The interface that sockets are bound to, and is followed. */
  readonly uplink?: { readonly name: string; follow(tell: (name: string) => void): () => void };
  readonly openDatagrams: (profile: Profile) => DatagramCarrying;
  /** Whoever looks at what becomes of flows. */
  readonly watched?: WatchedRelays | undefined;
}

/** @param answerDns answers queries over TCP; without it they go to their servers */
export function relayCarrier(outside: CarrierOutside, answerDns?: AnswerDns): StreamCarrier {
  return {
    open: (context) => openRelays(context, outside, answerDns),
    openNow: (context) => openRelaysNow(context, outside, answerDns),
    openDatagrams: (profile) => outside.openDatagrams(profile),
  };
}

type Made = readonly [carrier: OpenCarrier, relays: readonly RelayGroup[]];

/** @throws StreamError when an address cannot be listened on; no relay is open then */
async function openRelays(
  context: CarrierContext,
  outside: CarrierOutside,
  answerDns?: AnswerDns,
): Promise<OpenCarrier> {
  const [carrier, relays] = makeRelays(context, outside, answerDns);
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
function openRelaysNow(context: CarrierContext, outside: CarrierOutside, answerDns?: AnswerDns): OpenCarrier {
  if (process.geteuid?.() !== 0 && !RelayGroup.mayStartLate()) {
    throw new Error("the first rule with stream egress: not all users may read bunnel's own files; start it anew");
  }
  const [carrier, relays] = makeRelays(context, outside, answerDns);
  // The first connection shall not wait for it; what goes wrong is told by `closed`.
  if (wantsConnections(context)) void relays[0]?.start().catch(() => undefined);
  return carrier;
}

function wantsConnections({ profile }: CarrierContext): boolean {
  return selectionOf(profile).stream !== undefined;
}

function makeRelays(
  context: CarrierContext,
  { uplink, openDatagrams: _others, watched, ...outside }: CarrierOutside,
  answerDns?: AnswerDns,
): Made {
  const { listen, profile, originalDestination } = context;
  const { maxFlows: wanted, maxDatagramSessions } = profile.stream;
  const flows = affordableFlows(wanted, {
    ...{ relays: listen.length, beside: maxDatagramSessions, ...outside },
  });
  const how = { ...outside, tellsMessages: watched !== undefined };
  const bound = uplink && { bindTo: uplink.name };
  const { datagrams: _forProxies, maxFlows: _shared, ...options } = streamOptions(profile);
  const relays: RelayGroup[] = [];
  const streams = answerDns && new QueryStreams(answerDns);
  const unfollow = uplink?.follow((name) => relays.forEach((relay) => relay.bind(name)));
  const close = (): void => {
    unfollow?.();
    for (const relay of relays) relay.close();
    streams?.close();
  };
  try {
    for (const [index, address] of listen.entries()) {
      // Queries over TCP are few, and so are connections of the second family: their threads wait for the first one.
      const late = !wantsConnections(context) || index > 0;
      const where = { listen: { address, port: 0 }, originalDestination, late };
      relays.push(RelayGroup.open({ ...options, ...where, ...bound, ...how, flows, profile }));
    }
    watched?.follow(relays);
  } catch (error) {
    close();
    throw error;
  }
  const carrier: OpenCarrier = {
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
  return [carrier, relays];
}

/** The figures of all relays together. */
function sumOf(all: readonly RelayStats[]): CarriedFigures {
  const [first] = all;
  if (first === undefined) return {};
  const names = Object.keys(first) as (keyof RelayStats)[];
  return Object.fromEntries(names.map((name) => [name, all.reduce((sum, stats) => sum + stats[name], 0)]));
}
