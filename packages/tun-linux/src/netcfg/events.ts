// Changes of interfaces, addresses, routes, rules and neighbours, as they happen. Source: linux/rtnetlink.h RTMGRP_*.
import { DeviceError } from "@bunnel/device";
import { NETLINK_ROUTE, NetlinkSocket, type ReceivedMessage } from "../netlink/index.ts";
import { whenReadable, type ReadinessWait } from "../readiness.ts";
import * as sys from "../sys.ts";
import { parseAddressInfo, RTM_DELADDR, RTM_NEWADDR, type AddressInfo } from "./addresses.ts";
import { RTM_DELLINK, RTM_NEWLINK } from "./link-attributes.ts";
import { parseLink, type LinkInfo } from "./links.ts";
import { parseNeighbour, RTM_DELNEIGH, RTM_NEWNEIGH, type NeighbourInfo } from "./neighbours.ts";
import { parseRoute, RTM_DELROUTE, RTM_NEWROUTE, type RouteInfo } from "./routes.ts";
import { parseRule, RTM_DELRULE, RTM_NEWRULE, type RuleInfo } from "./rules.ts";

/** "changed" also tells of new ones. */
export type NetworkChange = "changed" | "removed";

interface EventMap {
  readonly link: { readonly type: "link"; readonly change: NetworkChange; readonly link: LinkInfo };
  readonly address: { readonly type: "address"; readonly change: NetworkChange; readonly address: AddressInfo };
  readonly route: { readonly type: "route"; readonly change: NetworkChange; readonly route: RouteInfo };
  readonly rule: { readonly type: "rule"; readonly change: NetworkChange; readonly rule: RuleInfo };
  readonly neighbour: {
    readonly type: "neighbour";
    readonly change: NetworkChange;
    readonly neighbour: NeighbourInfo;
  };
}

/** What can be watched. Neighbours change with the traffic; the rest is configuration. */
export type NetworkTopic = keyof EventMap;
/** The topics of a watch to which nothing was said: all but neighbours, which change all the time. */
export type ConfigurationTopic = Exclude<NetworkTopic, "neighbour">;

/** More came than the queue could keep. All that comes from now on is newer than the gap: look again at everything. */
export interface LostEvent {
  readonly type: "lost";
}

/**
 * The events of a watch on certain topics: `{ type: "link", change, link }` and so on for "address", "route", "rule"
 * and "neighbour"; "lost" is always among them.
 */
export type NetworkEventOf<T extends NetworkTopic> = EventMap[T] | LostEvent;
/** The events of a watch to which nothing was said. */
export type NetworkEvent = NetworkEventOf<ConfigurationTopic>;

/** What a watch tells of, and how it ends. */
export interface WatchOptions<T extends NetworkTopic = ConfigurationTopic> {
  /** Default: all but neighbours. */
  readonly topics?: readonly T[];
  /** Ends it: a wait under way rejects with the signal's reason, and so does every later one. */
  readonly signal?: AbortSignal;
}

const CONFIGURATION: readonly ConfigurationTopic[] = ["link", "address", "route", "rule"];

/** RTMGRP_*, for both families. */
const GROUPS: Readonly<Record<NetworkTopic, number>> = {
  link: 0x1,
  address: 0x10 | 0x100,
  route: 0x40 | 0x400,
  rule: 0x80 | 0x40000,
  neighbour: 0x4,
};

/**
 * What waits in the socket's queue when it overflows is older than the gap. The queue has room for 8 MiB (the system
 * doubles what it is asked for), and no datagram takes less than 512 octets of it.
 */
const DATAGRAMS_BEFORE_GAP_MAX = 16_384;
/** So many gaps in a row are told of as one; in a storm that does not end, the next one is told of by itself. */
const GAPS_MAX = 16;

/**
 * Events since it was opened, for one reader, of the network namespace where it was opened. It keeps the process alive
 * only while somebody waits for an event.
 */
export class NetworkEvents<T extends NetworkTopic = ConfigurationTopic>
  implements AsyncIterableIterator<NetworkEventOf<T>>, Disposable
{
  readonly #socket: NetlinkSocket;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => this.close();
  readonly #queue: NetworkEventOf<T>[] = [];
  #wait: ReadinessWait | undefined;
  #closed = false;

  private constructor(socket: NetlinkSocket, signal: AbortSignal | undefined) {
    this.#socket = socket;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#abort);
  }

  /**
   * Watches the calling thread's network namespace.
   * @throws the signal's reason when it is aborted already
   */
  static open<T extends NetworkTopic = ConfigurationTopic>(options: WatchOptions<T> = {}): NetworkEvents<T> {
    options.signal?.throwIfAborted();
    const topics: readonly NetworkTopic[] = options.topics ?? CONFIGURATION;
    const groups = topics.reduce((bits, topic) => bits | GROUPS[topic], 0);
    return new NetworkEvents<T>(NetlinkSocket.open(NETLINK_ROUTE, { groups }), options.signal);
  }

  /** The next event; done after `close`. */
  async next(): Promise<IteratorResult<NetworkEventOf<T>, undefined>> {
    for (;;) {
      if (this.#signal?.aborted) throw this.#signal.reason;
      const event = this.#queue.shift();
      if (event) return { done: false, value: event };
      if (this.#closed) return { done: true, value: undefined };
      this.#fill();
      if (this.#queue.length > 0) continue;
      this.#wait = whenReadable(this.#socket.fd);
      await this.#wait.promise;
    }
  }

  /** Ends a loop over the events early, as `break` does. */
  return(): Promise<IteratorResult<NetworkEventOf<T>, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** A wait under way ends, what is queued can still be read. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#wait?.cancel();
    this.#socket.close();
  }

  /** It is its own iterator; `break` closes it. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #fill(): void {
    if (this.#receive() !== "overflow") return;
    // The gap is told of behind all that is older, so that whoever looks again then is not led astray by old news.
    let gaps = 1;
    for (let left = DATAGRAMS_BEFORE_GAP_MAX; left > 0; left--) {
      const found = this.#receive();
      if (found === "empty") break;
      if (found === "overflow" && ++gaps < GAPS_MAX) left = DATAGRAMS_BEFORE_GAP_MAX;
    }
    this.#queue.push({ type: "lost" });
  }

  #receive(): "some" | "empty" | "overflow" {
    try {
      const messages = this.#socket.receive(0);
      for (const message of messages) {
        const event = eventOf(message);
        // The socket is in the groups of its topics and in no other.
        if (event) this.#queue.push(event as NetworkEventOf<T>);
      }
      return messages.length > 0 ? "some" : "empty";
    } catch (error) {
      if (error instanceof DeviceError && error.errno === sys.ENOBUFS) return "overflow";
      throw error;
    }
  }
}

function eventOf(message: ReceivedMessage): EventMap[NetworkTopic] | undefined {
  switch (message.type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      const link = parseLink(message);
      return link && { type: "link", change: changeOf(message, RTM_DELLINK), link };
    }
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const address = parseAddressInfo(message);
      return address && { type: "address", change: changeOf(message, RTM_DELADDR), address };
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const route = parseRoute(message);
      return route && { type: "route", change: changeOf(message, RTM_DELROUTE), route };
    }
    case RTM_NEWRULE:
    case RTM_DELRULE: {
      const rule = parseRule(message);
      return rule && { type: "rule", change: changeOf(message, RTM_DELRULE), rule };
    }
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH: {
      const neighbour = parseNeighbour(message);
      return neighbour && { type: "neighbour", change: changeOf(message, RTM_DELNEIGH), neighbour };
    }
    default:
      return undefined;
  }
}

function changeOf({ type }: ReceivedMessage, removal: number): NetworkChange {
  return type === removal ? "removed" : "changed";
}
