// How packets come up to us: the system is told which of them take the way through the device.

/** Which packets are worth looking at. */
export interface Selection {
  /** First octets of a TLS ClientHello, on these destination ports; empty: on any port. Undefined: not selected. */
  readonly tls?: readonly number[];
  /** HTTP/1 requests on these destination ports. Undefined: not selected. */
  readonly http?: readonly number[];
}

export interface InterceptionOptions {
  /** The device that packets shall take: its name and interface index. */
  readonly deviceName: string;
  readonly deviceIndex: number;
  /** Uplinks whose traffic is looked at. Default: every interface with a default route. */
  readonly uplinks?: readonly string[];
  readonly select: Selection;
  /** Destinations that are left alone besides private, link-local and multicast ones: "203.0.113.0/24". */
  readonly excludes?: readonly string[];
}

/** What was found from an earlier run, or left by this one, and taken away. */
export interface SweepReport {
  /** One line per thing removed, for people: "ip rule 9000 fwmark 0x8000 lookup 4000 (IPv4)". */
  readonly removed: readonly string[];
}

export interface Interception extends Disposable {
  /** "nft" or "rules" */
  readonly method: string;
  readonly uplinks: readonly string[];
  /** Puts everything back. A second call does nothing. */
  close(): void;
}
