// What a profile is: every value checked, every default filled in, frozen to the last leaf.
import type { Strategy } from "../notation/strategy.ts";

export const PROFILE_VERSION = 1;

export const METHODS = ["auto", "nft", "rules"] as const;
/** How packets come up to us; "auto": nft where the kernel has it, else rules. */
export type InterceptionMethod = (typeof METHODS)[number];

export const FAMILIES = ["ipv4", "ipv6"] as const;
export type Family = (typeof FAMILIES)[number];

/** Destination ports, both ends included: 1 to 65535. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface Rule {
  /** Each rule has its own. */
  readonly name: string;
  readonly enabled: boolean;
  /** The higher is looked at first; among equals the one that stands first. */
  readonly priority: number;
  /**
   * Lower-case ASCII names: `example.org` means the name and everything below it, `=example.org` the name alone.
   * None: any host, found or not.
   */
  readonly hosts: readonly string[];
  /** None: any port. */
  readonly ports: readonly PortRange[];
  /** At least one. */
  readonly families: readonly Family[];
  readonly strategy: Strategy;
  /** The preset that the strategy was taken from. */
  readonly preset?: string;
}

export interface InterceptionSettings {
  readonly method: InterceptionMethod;
  /** Interface names. None: every interface with a default route. */
  readonly uplinks: readonly string[];
  /** Destinations that are left alone: address and prefix length, "203.0.113.0/24". */
  readonly exclude: readonly string[];
}

export interface DeviceSettings {
  readonly name: string;
  readonly address: string;
  readonly netmask: string;
  /** 0: as the uplink has it. */
  readonly mtuBytes: number;
}

export interface Limits {
  readonly maxFlows: number;
  /** Packets that wait for the way out. */
  readonly maxQueueSize: number;
  readonly flowTimeoutSeconds: number;
}

export interface Profile {
  readonly version: typeof PROFILE_VERSION;
  readonly interception: InterceptionSettings;
  readonly device: DeviceSettings;
  readonly limits: Limits;
  /** In the order of the text; the first that matches by priority decides. */
  readonly rules: readonly Rule[];
}
