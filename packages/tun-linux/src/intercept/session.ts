// What both kinds of interception hold: the lock, a connection to the routing tables, and the namespace they are about.
import { readFileSync } from "node:fs";
import { DeviceError, type InterceptionOptions, type SweepReport } from "@bunnel/device";
import type { LockedState } from "../locked-state/index.ts";
import { currentNamespace, NetworkNamespace } from "../namespace.ts";
import { RouteNetlink } from "../netcfg/route-netlink.ts";
import type { RuleSpec } from "../netcfg/rules.ts";
import { ifThere } from "./if-there.ts";
import type { InterceptionSettings } from "./interception.ts";
import { STATE_PATH } from "./marks.ts";
import { expectTablesOurs, removeLeftRules } from "./left-rules.ts";
import { closedRoute, deviceRoute, isClosedRoute, isRule, tablesOf } from "./policy.ts";
import type { Family } from "./policy.ts";
import type { Sources } from "./sources.ts";
import { claimState, type InterceptionState } from "./state.ts";
import { sweep } from "./sweep.ts";

export class Session {
  private constructor(
    readonly method: "nft" | "rules",
    readonly namespace: NetworkNamespace,
    readonly namespaceName: string,
    readonly state: LockedState<InterceptionState>,
    readonly netlink: RouteNetlink,
    readonly deviceIndex: number,
    readonly families: readonly Family[],
    readonly swept: SweepReport,
    /** What is selected stays closed when this process is killed. */
    readonly killSwitch: boolean,
  ) {}

  /**
   * Takes the lock, removes what an earlier run left, and looks whether the device and our table can be used. What a
   * kill switch of this method left stays for the new one, so that nothing passes in between.
   * @throws DeviceError E_DEVICE_BUSY when another bunnel is running or somebody else uses our table
   */
  static begin(
    method: "nft" | "rules",
    options: InterceptionOptions,
    settings: InterceptionSettings,
    undo: DisposableStack,
  ): Session {
    const state = undo.use(claimState(settings.statePath ?? STATE_PATH));
    const namespace = undo.use(NetworkNamespace.current());
    const netlink = undo.use(RouteNetlink.open());
    const killSwitch = options.killSwitch === true;
    const { deviceName, deviceIndex } = options;
    const swept = sweep(state, netlink, { deviceIndex, kept: killSwitch ? method : undefined });
    const link = netlink.link(deviceIndex);
    if (link?.name !== deviceName) {
      const found = link === undefined ? "no such interface" : `"${link.name}"`;
      throw new DeviceError(
        "E_DEVICE_MISSING",
        `device: expected "${deviceName}" with index ${deviceIndex}, found ${found}`,
      );
    }
    const families: readonly Family[] = hasIpv6(deviceName) ? [4, 6] : [4];
    const session = new Session(
      method,
      namespace,
      currentNamespace(),
      state,
      netlink,
      deviceIndex,
      families,
      swept,
      killSwitch,
    );
    session.#expectOurTableFree();
    return session;
  }

  /** Runs `work` in the namespace of the interception, wherever the calling thread has gone since. */
  inside<T>(work: () => T): T {
    return currentNamespace() === this.namespaceName ? work() : this.namespace.run(work);
  }

  /** Makes the routes into the device for each family; the stack takes them away again. */
  addRoutes(undo: DisposableStack, sources: Sources): void {
    undo.defer(() => {
      for (const [family, table] of this.#tables()) {
        ifThere(() => this.netlink.removeRoute(deviceRoute(family, table, this.deviceIndex)));
        if (this.killSwitch) ifThere(() => this.netlink.removeRoute(closedRoute(family, table)));
      }
    });
    this.#setRoutes(sources);
  }

  /** Adds the rules in their order; the stack takes them away again, in reverse. */
  addRules(undo: DisposableStack, rules: readonly RuleSpec[]): void {
    undo.defer(() => {
      for (const rule of rules.toReversed()) ifThere(() => this.netlink.removeRule(rule));
    });
    const present = this.killSwitch ? this.families.flatMap((family) => this.netlink.rules(family)) : [];
    for (const rule of rules) if (!present.some((found) => isRule(found, rule))) this.netlink.addRule(rule);
  }

  /** Removes rules that an interception of ours made before, and this one has not. */
  removeOthers(rules: readonly RuleSpec[], exceptions: readonly string[]): void {
    for (const family of this.families) removeLeftRules(this.netlink, family, exceptions, rules);
  }

  /**
   * Puts back rules and routes that others have removed, and new source addresses; brings the device up again where
   * it was taken down. True: something was changed.
   */
  restore(rules: readonly RuleSpec[], sources: Sources): boolean {
    let changed = false;
    const present = this.families.flatMap((family) => this.netlink.rules(family));
    for (const rule of rules) {
      if (present.some((found) => isRule(found, rule))) continue;
      this.netlink.addRule(rule);
      changed = true;
    }
    const complete = this.#tables().every(([family, table]) => this.#isComplete(family, table, sources[family]));
    if (!complete) {
      // A device that somebody took down has lost its routes, and takes none.
      if (this.netlink.link(this.deviceIndex)?.up === false) this.netlink.setLink(this.deviceIndex, { up: true });
      this.#setRoutes(sources);
    }
    return changed || !complete;
  }

  #isComplete(family: Family, table: number, expected: string | undefined): boolean {
    const routes = this.netlink.routes({ family, table });
    const leads = routes.some(
      ({ destination, index, source }) =>
        destination === "default" && index === this.deviceIndex && source === expected,
    );
    return leads && (!this.killSwitch || routes.some(isClosedRoute));
  }

  #setRoutes(sources: Sources): void {
    for (const [family, table] of this.#tables()) {
      this.netlink.replaceRoute(deviceRoute(family, table, this.deviceIndex, sources[family]));
      if (this.killSwitch) this.netlink.replaceRoute(closedRoute(family, table));
    }
  }

  #tables(): (readonly [family: Family, table: number])[] {
    return this.families.flatMap((family) => tablesOf(this.method, family).map((table) => [family, table] as const));
  }

  /** Routes of a device that outlived its process may be there; those of another device are not ours to replace. */
  #expectOurTableFree(): void {
    for (const family of this.families) expectTablesOurs(this.netlink, family);
    const routes = this.#tables().flatMap(([family, table]) => this.netlink.routes({ family, table }));
    for (const { destination, index, type, table } of routes) {
      if (type !== "unicast" || index === this.deviceIndex) continue;
      const name = index === undefined ? "somewhere" : (this.netlink.link(index)?.name ?? index);
      throw new DeviceError(
        "E_DEVICE_BUSY",
        `route table ${table}: expected empty, found ${destination} to ${name}; it is needed for interception`,
      );
    }
  }
}

/** IPv6 can be absent, and it can be switched off for a device. */
function hasIpv6(deviceName: string): boolean {
  try {
    return readFileSync(`/proc/sys/net/ipv6/conf/${deviceName}/disable_ipv6`, "utf8").trim() === "0";
  } catch {
    return false;
  }
}
