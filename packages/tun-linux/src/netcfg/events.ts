// Changes of interfaces, addresses, routes and rules, as they happen. Source: linux/rtnetlink.h RTMGRP_*.
import { DeviceError } from "@bunnel/device";
import { NETLINK_ROUTE, NetlinkSocket, type ReceivedMessage } from "../netlink/index.ts";
import { whenReadable, type ReadinessWait } from "../readiness.ts";
import * as sys from "../sys.ts";
import { parseAddressInfo, RTM_DELADDR, RTM_NEWADDR, type AddressInfo } from "./addresses.ts";
import { parseLink, RTM_DELLINK, RTM_NEWLINK, type LinkInfo } from "./links.ts";
import { parseRoute, RTM_DELROUTE, RTM_NEWROUTE, type RouteInfo } from "./routes.ts";
import { parseRule, RTM_DELRULE, RTM_NEWRULE, type RuleInfo } from "./rules.ts";

const GROUPS = 0x1 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 0x40000;

/** "changed" also tells of new ones. */
export type NetworkChange = "changed" | "removed";

export type NetworkEvent =
  | { readonly type: "link"; readonly change: NetworkChange; readonly link: LinkInfo }
  | { readonly type: "address"; readonly change: NetworkChange; readonly address: AddressInfo }
  | { readonly type: "route"; readonly change: NetworkChange; readonly route: RouteInfo }
  | { readonly type: "rule"; readonly change: NetworkChange; readonly rule: RuleInfo }
  /** More came than the queue could keep: look again at everything. */
  | { readonly type: "lost" };

/** Events since it was opened, for one reader. It keeps the process alive only while somebody waits for an event. */
export class NetworkEvents implements AsyncIterableIterator<NetworkEvent>, Disposable {
  readonly #socket: NetlinkSocket;
  readonly #queue: NetworkEvent[] = [];
  #wait: ReadinessWait | undefined;
  #closed = false;

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** Watches the calling thread's network namespace. */
  static open(): NetworkEvents {
    return new NetworkEvents(NetlinkSocket.open(NETLINK_ROUTE, { groups: GROUPS }));
  }

  /** The next event; done after `close`. */
  async next(): Promise<IteratorResult<NetworkEvent, undefined>> {
    for (;;) {
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
  return(): Promise<IteratorResult<NetworkEvent, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** A wait under way ends, what is queued can still be read. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#wait?.cancel();
    this.#socket.close();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #fill(): void {
    try {
      for (const message of this.#socket.receive(0)) {
        const event = eventOf(message);
        if (event) this.#queue.push(event);
      }
    } catch (error) {
      if (!(error instanceof DeviceError) || error.errno !== sys.ENOBUFS) throw error;
      this.#queue.push({ type: "lost" });
    }
  }
}

function eventOf(message: ReceivedMessage): NetworkEvent | undefined {
  switch (message.type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      const link = parseLink(message);
      return link && { type: "link", change: message.type === RTM_DELLINK ? "removed" : "changed", link };
    }
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const address = parseAddressInfo(message);
      return (
        address && {
          type: "address",
          change: message.type === RTM_DELADDR ? "removed" : "changed",
          address,
        }
      );
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const route = parseRoute(message);
      return (
        route && {
          type: "route",
          change: message.type === RTM_DELROUTE ? "removed" : "changed",
          route,
        }
      );
    }
    case RTM_NEWRULE:
    case RTM_DELRULE: {
      const rule = parseRule(message);
      return rule && { type: "rule", change: message.type === RTM_DELRULE ? "removed" : "changed", rule };
    }
    default:
      return undefined;
  }
}
