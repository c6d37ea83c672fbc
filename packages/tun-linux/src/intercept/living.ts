// Whether another bunnel lives, wherever it keeps its state: its table leads into a device that a process holds.
import { DeviceError } from "@bunnel/device";
import type { RouteNetlink } from "../netcfg/route-netlink.ts";
import type { RouteInfo } from "../netcfg/routes.ts";
import { LAST_TABLE, OUR_PROTOCOL, ROUTE_TABLE } from "./marks.ts";

/**
 * A device without anybody who holds it has no carrier (drivers/net/tun.c); it stays where it was made to.
 * @param ours the index of the device that is about to be used
 * @throws DeviceError E_DEVICE_BUSY that names the device of the other one
 */
export function expectNoneLives(netlink: RouteNetlink, ours?: number): void {
  for (const { index = 0, table } of leftDeviceRoutes(netlink)) {
    const link = index === ours ? undefined : netlink.link(index);
    if (link?.carrier !== true) continue;
    throw new DeviceError(
      "E_DEVICE_BUSY",
      `interception: another bunnel is running (route table ${table} leads into its device ${link.name})`,
    );
  }
}

/** Removes routes into devices that nobody holds any more, and says which those were. */
export function removeLeftDeviceRoutes(netlink: RouteNetlink, ours?: number): string[] {
  return leftDeviceRoutes(netlink)
    .filter(({ index }) => index !== ours)
    .map((route) => {
      const { family, table, index = 0, metric, protocol } = route;
      const name = netlink.link(index)?.name ?? index;
      netlink.removeRoute({ family, table, index, metric, protocol });
      return `default route of table ${table} into ${name} (IPv${family})`;
    });
}

function leftDeviceRoutes(netlink: RouteNetlink): RouteInfo[] {
  return [ROUTE_TABLE, LAST_TABLE]
    .flatMap((table) => netlink.routes({ table, protocol: OUR_PROTOCOL }))
    .filter(({ type, destination }) => type === "unicast" && destination === "default");
}
