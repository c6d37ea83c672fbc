// What an interception on Linux offers besides the contract of @bunnel/device.
import type { Interception, SweepReport } from "@bunnel/device";
import type { Family } from "./policy.ts";

/** Where an interception keeps what must be put back. */
export interface InterceptionSettings {
  /** The state file. Its directory is made where there is none; beside it lies a lock. Default: STATE_PATH. */
  readonly statePath?: string;
}

/** What a sweep leaves. */
export interface SweepSettings extends InterceptionSettings {
  /** What a kill switch closed stays closed. Default false. */
  readonly keepClosed?: boolean;
}

/** An interception on Linux, while it lasts. */
export interface LinuxInterception extends Interception {
  /** What was found from an earlier run, and removed before this one began. */
  readonly swept: SweepReport;
  /** The address families that take part: IPv6 only where the device has it. */
  readonly families: readonly Family[];
  /**
   * True: the system removes the nftables table with this process, whatever ends it. False: a killed process leaves it
   * behind, which does no harm, and the next start removes it; in rules mode there is none.
   */
  readonly ownerFlag: boolean;
  /**
   * Looks again at uplinks, addresses, rules and routes, and brings to date what has changed or was removed by others.
   * While there is no uplink at all, what there is stays. True: something was changed.
   */
  refresh(): boolean;
}
