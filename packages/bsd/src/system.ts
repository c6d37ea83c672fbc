// What differs between macOS and the BSDs, as data: one table per system, made by its driver. Plain values throughout,
// so that a table can be sent to a Worker.

/** Where a number lies in a struct, and how wide it is. */
export interface NumberAt {
  readonly at: number;
  readonly bytes: 4 | 8;
}

/** net/route.h: struct rt_msghdr and what goes with it. */
export interface RouteLayout {
  /** RTM_VERSION, the third octet of every message. */
  readonly version: number;
  readonly bytes: number;
  /** OpenBSD tells the octets of the header itself. */
  readonly headerBytesAt?: number;
  readonly indexAt: number;
  readonly flagsAt: number;
  readonly addressesAt: number;
  readonly pidAt: number;
  readonly sequenceAt: number;
  readonly errnoAt: number;
  readonly inits: NumberAt;
  readonly mtu: NumberAt;
  /** Socket addresses behind the header are padded to this. */
  readonly align: 4 | 8;
  /** sizeof(struct sockaddr_dl), net/if_dl.h */
  readonly linkAddressBytes: number;
}

/** net/if.h: struct if_msghdr. */
export interface LinkLayout {
  /** RTM_IFINFO */
  readonly type: number;
  readonly bytes: number;
  readonly flagsAt: number;
  readonly indexAt: number;
  readonly addressesAt: number;
  readonly mtuAt: number;
  readonly receivedPackets: NumberAt;
  readonly sentPackets: NumberAt;
  readonly receivedBytes: NumberAt;
  readonly sentBytes: NumberAt;
  /** RTM_IFANNOUNCE and the places of struct if_announcemsghdr; macOS has none. */
  readonly announce?: { readonly type: number; readonly indexAt: number; readonly whatAt: number };
}

/** net/if.h: struct ifa_msghdr. */
export interface AddressLayout {
  readonly bytes: number;
  readonly indexAt: number;
  readonly addressesAt: number;
}

/** Requests to an interface by its name: sys/sockio.h, netinet6/in6_var.h. */
export interface InterfaceRequests {
  readonly SIOCGIFFLAGS: number;
  readonly SIOCSIFFLAGS: number;
  readonly SIOCGIFMTU: number;
  readonly SIOCSIFMTU: number;
  readonly SIOCAIFADDR: number;
  readonly SIOCDIFADDR: number;
  readonly SIOCAIFADDR_IN6: number;
  readonly SIOCDIFADDR_IN6: number;
  readonly SIOCIFCREATE: number;
  readonly SIOCIFDESTROY: number;
  /** Left out where hardware addresses are set in another way. */
  readonly SIOCSIFLLADDR?: number;
  /** Left out where interfaces cannot be renamed. */
  readonly SIOCSIFNAME?: number;
  /** The pair that switches IPv6 link-local addresses off (netinet6/nd6.h), where there is one. */
  readonly SIOCGIFINFO_IN6?: number;
  readonly SIOCSIFINFO_IN6?: number;
}

export interface InterfaceLayout {
  /** sizeof(struct ifreq) */
  readonly requestBytes: number;
  /** sizeof(struct ifaliasreq or in_aliasreq) */
  readonly aliasBytes: number;
  /** sizeof(struct in6_aliasreq) */
  readonly alias6Bytes: number;
  /** sizeof(struct in6_ifreq) */
  readonly request6Bytes: number;
}

/**
 * How the variadic `ioctl` and `fcntl` are called.
 *
 * - "plain": as if they were not variadic. Right wherever variadic arguments travel as others do.
 * - "padded": eight arguments fill the registers, the ninth lies on the stack, where Apple's arm64 code looks.
 * - "stubs": the functions below them, `__ioctl` and `__fcntl`, which are not variadic. Apple has them, unpromised.
 */
export type Convention = "plain" | "padded" | "stubs";

/** One system's numbers. */
export interface BsdSystem {
  /** As `process.platform` calls it. */
  readonly platform: string;
  /** Where the C library lies, best first. */
  readonly libraries: readonly string[];
  readonly errnoLocation: "__error" | "__errno";
  /** By `process.arch`; "plain" where it says nothing. The first that works is taken. */
  readonly conventions: Readonly<Record<string, readonly Convention[]>>;
  readonly AF_INET6: number;
  readonly AF_LINK: number;
  readonly AF_ROUTE: number;
  readonly O_NONBLOCK: number;
  readonly O_CLOEXEC: number;
  readonly EOPNOTSUPP: number;
  /** NET_RT_IFLIST, sys/socket.h */
  readonly NET_RT_IFLIST: number;
  readonly requests: InterfaceRequests;
  readonly layout: InterfaceLayout;
  readonly route: RouteLayout;
  readonly link: LinkLayout;
  readonly address: AddressLayout;
}

/** The same numbers on macOS and every BSD. */
export const AF_INET = 2;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
/** net/if.h */
export const IFF_UP = 0x1;
export const IFF_BROADCAST = 0x2;
export const IFF_LOOPBACK = 0x8;
export const IFF_POINTOPOINT = 0x10;
export const IFF_RUNNING = 0x40;
export const IFF_MULTICAST = 0x8000;
export const IFNAMSIZ = 16;
/** An interface name has room for 15 octets and a NUL. */
export const NAME_MAX_BYTES = IFNAMSIZ - 1;

/** What a driver stands on: a table, and where its library is found. Both can be injected. */
export interface Environment {
  readonly system: BsdSystem;
  /** Paths of the C library, best first. Default: the system's. */
  readonly libraries?: readonly string[];
  /** Default: `process.arch`. */
  readonly arch?: string;
}
