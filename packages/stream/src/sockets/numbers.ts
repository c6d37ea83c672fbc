// What the systems with a C library number differently, as data: one table each. Plain values throughout, so that a
// table can be sent to a thread.

/** A socket option: its level and its number. */
export type Option = readonly [level: number, option: number];

/** `struct pollfd`, and its bits. */
export interface PollNumbers {
  /** Octets of one; the descriptor stands first, the events behind it. */
  readonly entryBytes: 8 | 16;
  readonly POLLIN: number;
  readonly POLLOUT: number;
  readonly POLLERR: number;
  readonly POLLHUP: number;
}

/** poll.h of every system that has one. */
export const POSIX_POLL: PollNumbers = { entryBytes: 8, POLLIN: 1, POLLOUT: 4, POLLERR: 8, POLLHUP: 0x10 };

/** What keeps sockets out of a tunnel. */
export interface OutsideNumbers {
  /** The option that takes a mark; undefined: there is none. */
  readonly mark?: Option;
  /** The option that takes an interface's name. */
  readonly deviceName?: Option;
  /** The options that take an interface's index, for IPv4 and IPv6. */
  readonly deviceIndex?: readonly [ipv4: Option, ipv6: Option];
  /** The index for IPv4 is in network order. */
  readonly isIpv4IndexBigEndian?: boolean;
}

/** One system's numbers for its sockets. */
export interface SocketOptions {
  /** As `process.platform` calls it. */
  readonly platform: NodeJS.Platform;
  readonly AF_INET6: number;
  /** A socket address begins with its length in one octet, and its family has the other. */
  readonly hasAddressLength: boolean;
  readonly SOL_SOCKET: number;
  readonly SO_REUSEADDR: number;
  readonly SO_ERROR: number;
  readonly SO_LINGER: number;
  readonly SO_KEEPALIVE: number;
  /** Seconds of silence before the first probe; macOS calls it TCP_KEEPALIVE. */
  readonly TCP_KEEPIDLE: number;
  /** Left out where MSG_NOSIGNAL does it. */
  readonly SO_NOSIGPIPE?: number;
  readonly IP_TTL: number;
  readonly IPV6_UNICAST_HOPS: number;
  readonly IPV6_V6ONLY: number;
  readonly IP_FREEBIND?: number;
  /** 0: there is none. */
  readonly MSG_NOSIGNAL: number;
  readonly polling: PollNumbers;
  readonly outside: OutsideNumbers;
  /** Its errors as Linux numbers them; what is left out has the same number, or nobody asks for it. */
  readonly errors: Readonly<Record<number, number>>;
}

/** And for the C library that has them. */
export interface SocketNumbers extends SocketOptions {
  /** Where the C library lies, best first. */
  readonly libraries: readonly string[];
  readonly errnoLocation: "__errno_location" | "__error" | "__errno";
  /** On Apple's arm64 the argument of fcntl lies on the stack, behind eight that fill the registers. */
  readonly isVariadicPadded: boolean;
  readonly O_NONBLOCK: number;
  readonly RLIMIT_NOFILE: number;
  /** More descriptors than this are refused whatever the limits say; undefined: the limits say all. */
  readonly filesMax?: number;
}
