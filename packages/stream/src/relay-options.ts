// Connections of other programs, carried on by sockets of our own: what a relay is asked for, and what it tells.
import type { Profile } from "@bunnel/profile";
import type { SocketSystem } from "./sockets/of-form.ts";
import type { StreamForm } from "./sockets/sockets.ts";
import type { ProxyUser } from "./proxy/socks5.ts";

/** An address as text, IPv4 or IPv6, and a port. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** Where an accepted connection wanted to go, as whoever translated it remembers; undefined: not one of ours. */
export type OriginalDestination = (peer: SocketAddress) => SocketAddress | undefined;

/** The addresses of a name, best first; none: the name does not exist. */
export type ResolveName = (name: string) => Promise<readonly string[]>;

/** What the connections that a relay accepts are. */
export type RelayAccept = "translated" | "proxy";

export interface RelayOptions {
  /** Where to listen. Port 0: any. One relay listens on one address; IPv4 and IPv6 need one each. */
  readonly listen: SocketAddress;
  /** "translated": `originalDestination` says where each wanted to go; "proxy": its first octets do (SOCKS5, HTTP). */
  readonly accept: RelayAccept;
  /** Needed with "translated". Runs in the thread that called `open`. */
  readonly originalDestination?: OriginalDestination;
  readonly profile: Profile;
  /** How it waits and moves octets. Default: "native" on Linux, "portable" elsewhere. */
  readonly form?: StreamForm;
  /** Whose numbers and C library the portable form uses. Default: this system's own. */
  readonly system?: SocketSystem;
  /**
   * A mark of every socket to the outside, which keeps them out of the tunnel: SO_MARK on Linux, which needs
   * CAP_NET_ADMIN; SO_USER_COOKIE on FreeBSD.
   */
  readonly mark?: number;
  /**
   * The interface that every socket to the outside is bound to: SO_BINDTODEVICE on Linux, IP_BOUND_IF on macOS,
   * IP_UNICAST_IF on Windows.
   */
  readonly bindTo?: string;
  /** How names in proxy requests become addresses. Default: the system's resolver. */
  readonly resolve?: ResolveName;
  /** Whoever uses the proxy must say this name and password. */
  readonly user?: ProxyUser;
  /** Lets SOCKS clients send datagrams: sockets at a time, and how long each stays silent. Default: they may not. */
  readonly datagrams?: { readonly sessionsMax: number; readonly idleMs: number };
  /** Flows at a time. Default 16384, less where the process may not have so many descriptors. */
  readonly maxFlows?: number;
  /**
   * Its thread starts when the first `reach` asks for it, or `start`: before that it takes no more than a descriptor.
   * On Linux the thread gives up all capabilities. For translated connections alone. Default false.
   */
  readonly late?: boolean;
  /**
   * One of so many relays that listen on the same address, each with a descriptor table of its own; `socketOfPort` says
   * which of them, in the order in which they were opened, has a client. Linux' native form alone.
   */
  readonly sharedBy?: number;
  /** A flow without an octet for so long is ended. Default: the profile's flow timeout. */
  readonly idleTimeoutMs?: number;
  /** Default 20000. */
  readonly connectTimeoutMs?: number;
  /** How long a first message that has begun may take to be whole, before it goes on as it is. Default 1000. */
  readonly messageTimeoutMs?: number;
  /** Tells of first messages that a strategy is carried out on: `takeMessages`. Default false. */
  readonly tellsMessages?: boolean;
}

/** A first message that a strategy is carried out on, told before its first octet leaves. */
export interface RelayMessage {
  /** Counts the relay's messages. */
  readonly number: number;
  /** Both ends of the connection to the outside. */
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** The name that it bears. */
  readonly host: string;
  readonly kind: "tls" | "http";
}

/**
 * What became of a connection to the outside. "refused": its server, or a firewall, says no; "unreachable": the network
 * or this machine does; "silent": nobody answered.
 */
export type Reached = "connected" | "refused" | "unreachable" | "silent";

/** What a relay counted since it was opened. Accepted = open + ended by each name. */
export interface RelayStats {
  readonly accepted: number;
  readonly open: number;
  /** Of those open: still connecting. */
  readonly connecting: number;
  /** Ended by both sides in order. */
  readonly finished: number;
  /** Ended by an RST of either side. */
  readonly reset: number;
  /** Could not be connected: refused, unreachable, timed out. */
  readonly refused: number;
  /** Nobody knew where they wanted to go, or the request was no request. */
  readonly unknown: number;
  readonly idled: number;
  /** Turned away because there were too many. */
  readonly overLimit: number;
  /** First messages that a strategy was carried out on. */
  readonly treated: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
}

/** One flow of a relay. */
export interface RelayFlow {
  readonly client: SocketAddress;
  readonly destination: SocketAddress | undefined;
  readonly host: string | undefined;
  /** Name of the rule that decided; undefined: none yet, or none. */
  readonly rule: string | undefined;
  readonly state: "opening" | "connecting" | "open";
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly ageMs: number;
}
