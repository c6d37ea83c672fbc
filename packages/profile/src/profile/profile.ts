// What a profile is: every value checked, every default filled in, frozen to the last leaf.
import type { Carries, Egress } from "../notation/egress.ts";
import type { GatewaySettings } from "./gateway-section.ts";
import type { DnsSettings } from "./dns-section.ts";
import type { Strategy } from "../notation/strategy.ts";
import type { MemorySettings } from "./memory-section.ts";
import type { LogSettings, ServiceSettings } from "./service-section.ts";
import type { SplitScope } from "./split-section.ts";
import type { ProxySettings, StreamSettings } from "./stream-settings.ts";

export const PROFILE_VERSION = 1;

export const METHODS = ["auto", "nft", "rules"] as const;
/** How packets come up to us; "auto": nft where the kernel has it, else rules. */
export type InterceptionMethod = (typeof METHODS)[number];

export const PUMPS = ["auto", "plain", "uring"] as const;
/** How packets pass: a system call for each ("plain"), or one for a burst ("uring"). */
export type PumpName = (typeof PUMPS)[number];

export const FAMILIES = ["ipv4", "ipv6"] as const;
/** An address family as profiles call it. */
export type Family = (typeof FAMILIES)[number];

/** Destination ports, both ends included: 1 to 65535. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export const DIRECTIONS = ["out", "in", "both"] as const;
/** Whose packets: those of the side that opened the flow ("out"), those of the other, or any. */
export type Direction = (typeof DIRECTIONS)[number];

/** Packets by their number among those of their direction in the flow, from 1, both ends included. */
export interface PacketRange {
  readonly first: number;
  readonly last: number;
}

/**
 * A list that stands in a file of its own. Its entries are one text, because half a million strings take a second to
 * freeze and three times the room; `listEntries` takes it apart.
 */
export interface ListFile {
  /** As the profile says it. */
  readonly path: string;
  /** Entries in the form that the list in the profile has, in the order of the file, one a line. */
  readonly text: string;
}

/** The entries of a list; none where there is no list. */
export function listEntries(list: ListFile | undefined): readonly string[] {
  return list === undefined || list.text === "" ? [] : list.text.split("\n");
}

/** Octets that strategies name. */
export interface PayloadEntry {
  /** As the profile says it: `hex:…` or `file:…`. */
  readonly text: string;
  /** Lower-case hexadecimal digits, of 1 to 16384 octets. */
  readonly hex: string;
}

/** A `[[rule]]` of a profile: which messages it is for, and what happens to them. */
export interface Rule {
  /** Each rule has its own. */
  readonly name: string;
  readonly enabled: boolean;
  /** The higher is looked at first; among equals the one that stands first. */
  readonly priority: number;
  /**
   * Lower-case ASCII names: `example.org` means the name and everything below it, `=example.org` the name alone,
   * `all:co.uk` everything below a public suffix. None, here and in the file: any host, found or not.
   */
  readonly hosts: readonly string[];
  /** More of them. A rule whose file has none is for no host. */
  readonly hostsFile?: ListFile;
  /** Destinations: address and prefix length, "203.0.113.0/24". None, here and in the file: any. */
  readonly addresses: readonly string[];
  /** More of them. A rule whose file has none is for no address. */
  readonly addressesFile?: ListFile;
  /** None: any port. */
  readonly ports: readonly PortRange[];
  /** At least one. */
  readonly families: readonly Family[];
  readonly direction: Direction;
  /** Absent: any packet. */
  readonly packets?: PacketRange;
  /** How its TCP flows leave. */
  readonly egress: Egress;
  /** What leaves by sockets where its egress is "stream". At least one. */
  readonly carries: readonly Carries[];
  readonly strategy: Strategy;
  /** The preset that the strategy was taken from. */
  readonly preset?: string;
}

/** The `[interception]` of a profile. */
export interface InterceptionSettings {
  readonly method: InterceptionMethod;
  /** Interface names. None: every interface with a default route. */
  readonly uplinks: readonly string[];
  /** Destinations that are left alone: address and prefix length, "203.0.113.0/24". */
  readonly exclude: readonly string[];
  /** What a rule wants does not leave by another way when the service died. */
  readonly killSwitch: boolean;
}

/** The `[device]` of a profile. */
export interface DeviceSettings {
  readonly name: string;
  readonly address: string;
  readonly netmask: string;
  /** 0: as the uplink has it. */
  readonly mtuBytes: number;
  /** Asks for segmentation offload. */
  readonly offload: boolean;
  /** Each has a thread of its own. */
  readonly queues: number;
  readonly pump: PumpName;
}

/** The `[limits]` of a profile. */
export interface Limits {
  readonly maxFlows: number;
  /** Packets that wait for the way out. */
  readonly maxQueueSize: number;
  readonly flowTimeoutSeconds: number;
  /** Of the whole process, in megabytes of 1 000 000 octets; 0: any. */
  readonly maxMemoryMb: number;
  /** The longest delay that a strategy may have, its jitter included. */
  readonly maxJitterMs: number;
  /** Lines of the log in a second; what is beyond is counted. */
  readonly logRateLimit: number;
}

/** A profile that was checked: frozen, with every default filled in. */
export interface Profile {
  readonly version: typeof PROFILE_VERSION;
  /** False: nothing is looked at. */
  readonly enabled: boolean;
  readonly service: ServiceSettings;
  readonly log: LogSettings;
  readonly interception: InterceptionSettings;
  readonly gateway: GatewaySettings;
  readonly device: DeviceSettings;
  readonly limits: Limits;
  /** Only what fits all of its lists is looked at. */
  readonly include: SplitScope;
  /** What fits one of its lists is left alone. */
  readonly exclude: SplitScope;
  readonly dns: DnsSettings;
  readonly memory: MemorySettings;
  readonly stream: StreamSettings;
  readonly proxy: ProxySettings;
  /** By name; a file that a strategy names by its path is here under that path. */
  readonly payloads: Readonly<Record<string, PayloadEntry>>;
  /** In the order of the text; the first that matches by priority decides. */
  readonly rules: readonly Rule[];
}
