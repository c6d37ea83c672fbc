// The box between client and server: a process in the censor's namespace with a device of our own driver. While models
// are set, all packets between the two sides come up to it; otherwise the kernel routes them by itself.
import { openLinuxTun, RouteNetlink } from "@bunnel/tun-linux";
import type { LiveCensorName } from "../censors/live-gallery.ts";
import { CENSOR_CLIENT_SIDE, CENSOR_SERVER_SIDE, type Family } from "./address-plan.ts";
import { answerCalls, bindToParent } from "./calls.ts";
import { PacketPath } from "./packet-path.ts";
import { setSysctl } from "./sysctl.ts";
import { Watch } from "./watch.ts";

const DEVICE_NAME = "box0";
/** A routing table of the box's own, and the rules that lead into it before the main table is asked. */
const TABLE = 100;
const RULE_PRIORITY = 100;

export interface WatchOrder {
  /** By address of the server; null: nobody watches it. */
  readonly censors: readonly (LiveCensorName | null)[];
  readonly hopsToServer: number;
  /** Whether packets come up to the box at all. */
  readonly attached: boolean;
}

const watch = new Watch();
let families: readonly Family[] = [];
let attached = false;

const calls = {
  start,
  set,
  counts: () => watch.counts,
  probesSeen: () => watch.probes,
  forgetProbes: () => void (watch.probes.length = 0),
};
export type CensorCalls = typeof calls;

function start(order: { readonly families: readonly Family[] }): void {
  families = order.families;
  // No offload: the kernel cuts super-packets and finishes checksums before they reach the box.
  const device = openLinuxTun({ name: DEVICE_NAME, ipv6LinkLocal: "none" });
  if (families.includes(4)) setSysctl(`net/ipv4/conf/${DEVICE_NAME}/rp_filter`, 0);
  using netlink = RouteNetlink.open();
  for (const family of families) netlink.addRoute({ family, index: device.index, table: TABLE });
  const path = new PacketPath(device, watch);
  path.run().catch((error: unknown) => {
    process.stderr.write(`censor: ${String(error)}\n`);
    process.exit(1);
  });
}

function set(order: WatchOrder): void {
  watch.set(
    order.censors.map((name) => name ?? undefined),
    order.hopsToServer,
  );
  if (order.attached === attached) return;
  attached = order.attached;
  using netlink = RouteNetlink.open();
  for (const family of families) {
    for (const inInterface of [CENSOR_CLIENT_SIDE, CENSOR_SERVER_SIDE]) {
      const rule = { family, priority: RULE_PRIORITY, inInterface, table: TABLE };
      if (attached) netlink.addRule(rule);
      else netlink.removeRule(rule);
    }
  }
}

/** The whole life of the process. */
export function runCensorChild(): Promise<never> {
  bindToParent();
  return answerCalls(calls);
}
