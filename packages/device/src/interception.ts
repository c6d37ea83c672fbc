// How packets come up to us: the system is told which of them take the way through the device.
import type { DeviceHandOver, PacketList, Wake } from "./device.ts";

/** Which packets are worth looking at. */
export interface Selection {
  /** First octets of a TLS ClientHello, on these destination ports; empty: on any port. Undefined: not selected. */
  readonly tls?: readonly number[];
  /** HTTP/1 requests on these destination ports. Undefined: not selected. */
  readonly http?: readonly number[];
  /** Initials of QUIC, versions 1 and 2, to these destination ports; empty: to 443. Undefined: not selected. */
  readonly quic?: readonly number[];
  /** UDP datagrams to these destination ports; empty: to 53. Undefined: not selected. */
  readonly dns?: readonly number[];
  /**
   * Those of `dns` come up also where they go to private and on-link destinations, which are left alone otherwise: the
   * name server of a home is its router. Default false.
   */
  readonly dnsOfNetwork?: boolean;
  /** TCP segments that open a connection, to these destination ports; empty: any. Undefined: not selected. */
  readonly syn?: readonly number[];
  /** Every TCP segment to these destination ports; empty: to any. Undefined: not selected. */
  readonly stream?: readonly number[];
  /** The same of DNS: `dnsOfNetwork` and the destinations of `dns` hold for it, too. */
  readonly queries?: readonly number[];
  /** Every UDP datagram to these destination ports; empty: to any. Undefined: not selected. */
  readonly udp?: readonly number[];
  /** ICMP echo requests of both families. Default false. */
  readonly echo?: boolean;
  /** Destinations per kind, "203.0.113.0-203.0.113.255". A kind left out: any. */
  readonly addresses?: Readonly<Partial<Record<SelectedKind, readonly string[]>>>;
  /** What is left alone whatever it is: destinations in the same form, destination ports with both ends. */
  readonly except?: { readonly addresses: readonly string[]; readonly ports: readonly NumberRange[] };
}

/** A kind of message that can be selected. */
export type SelectedKind = "tls" | "http" | "quic" | "dns" | "syn" | "udp" | "echo";

/** Both ends included. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/** Whose packets, and by which interface. An empty list says nothing. */
export interface PacketOwners {
  /** Users by number. */
  readonly users?: readonly NumberRange[];
  /** Groups by number. */
  readonly groups?: readonly NumberRange[];
  /** Control groups of version 2 by their path below the root, each with all below it. */
  readonly cgroups?: readonly string[];
  /** Names of threads that open sockets; those that are open already are nobody's. */
  readonly processes?: readonly string[];
  readonly interfaces?: readonly string[];
}

/** Which packets shall come up, and to which device. */
export interface InterceptionOptions {
  /** The device that packets shall take: its name and interface index. */
  readonly deviceName: string;
  readonly deviceIndex: number;
  /** Uplinks whose traffic is looked at. Default: every interface with a default route. */
  readonly uplinks?: readonly string[];
  readonly select: Selection;
  /** Destinations that are left alone besides private, link-local and multicast ones: "203.0.113.0/24". */
  readonly excludes?: readonly string[];
  /**
   * Interfaces of networks for which this machine is a router: what arrives there and is forwarded by an uplink is
   * looked at as well, whoever owns it. Default none.
   */
  readonly gateway?: readonly string[];
  /** Called after the network has changed, by an interception that follows it; more than once for one change, too. */
  readonly changed?: () => void;
  /** Only packets that fit every list that has entries. Interfaces have no say here: see `uplinks`. */
  readonly include?: PacketOwners;
  /** No packet that fits one of these lists. */
  readonly exclude?: PacketOwners;
  /** What is selected does not leave by another way when this process ends without `close`. Default false. */
  readonly killSwitch?: boolean;
}

/** What was found from an earlier run, or left by this one, and taken away. */
export interface SweepReport {
  /** One line per thing removed, for people: "ip rule 9000 fwmark 0x8000 lookup 4000 (IPv4)". */
  readonly removed: readonly string[];
}

/** What brings packets up to a device, while it lasts. */
export interface Interception extends Disposable {
  /** "nft" or "rules" */
  readonly method: string;
  readonly uplinks: readonly string[];
  /** What a killed run had left, and was removed before this began. Absent: nobody looked. */
  readonly swept?: SweepReport;
  /** Puts everything back. A second call does nothing. */
  close(): void;
  /**
   * Ends it for another that begins at once: what a kill switch holds stays as it is, so that nothing passes in
   * between. Without one, and where it is absent, `close` is the way.
   */
  release?(): void;
  /**
   * Puts what is selected and left alone in force as these options say, in one step: at no moment is nothing selected.
   * Device, networks of a gateway and kill switch stay what they are. False: that cannot be done; another interception
   * is the way. Absent: never.
   * @throws DeviceError as when it was made; what was in force then stays
   */
  reselect?(options: InterceptionOptions): boolean;
}

/** A read-only look at packets that arrive at this machine: what it sees goes its way all the same. */
export interface InboundTap extends Disposable {
  /** Packets lost because nobody read in time, since the tap was opened. */
  readonly dropped: number;

  /** Names the memory in which packets lie. Before it, `read` throws E_DEVICE_STATE. */
  attach(memory: ArrayBufferLike): void;

  /** Begins to look, or stops, which costs nothing while it lasts. From any thread that holds the tap. */
  listen(on: boolean): void;

  /** As `TunDevice.read`; of a long packet only the beginning comes. */
  read(list: PacketList, from: number, maxBytes: number): number;

  /** Blocks the calling thread until something happens, at most `timeoutMs` (-1: for ever). Meant for Workers. */
  wait(timeoutMs: number): Wake;

  /** Makes a `wait` come back at once: the one under way, or the next. From any thread that holds the tap. */
  wake(): void;

  /** What another thread needs to use the same tap; it borrows, so that this one must stay open. */
  handOver(): DeviceHandOver;

  /** Closes it. A second call does nothing. */
  close(): void;
}
