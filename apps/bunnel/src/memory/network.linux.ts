// The network that this machine is in, as the kernel and the system's resolver have it.
import { readFileSync } from "node:fs";
import { isTunnel, RouteNetlink } from "@bunnel/tun-linux";
import { networkOf, resolversIn, type Gateway, type Network } from "./network.ts";

/** RT_TABLE_MAIN (linux/rtnetlink.h) */
const MAIN_TABLE = 254;
const RESOLV_CONF = "/etc/resolv.conf";
/** What systemd-resolved asks, where resolv.conf names itself alone (systemd-resolved.service(8)). */
const RESOLVED_CONF = "/run/systemd/resolve/resolv.conf";
const RESOLVED_STUB = "127.0.0.53";

/**
 * "unsettled": the hardware address of a gateway is not known yet. Undefined: there is no network.
 * @param waits whether that is worth waiting for; false: it is taken to have none
 */
export function networkNow(waits = true): Network | "unsettled" | undefined {
  using netlink = RouteNetlink.open();
  const links = new Map(netlink.links().map((link) => [link.index, link]));
  const neighbours = netlink.neighbours();
  const gateways = new Map<string, Gateway>();
  let isUnsettled = false;
  for (const family of [4, 6] as const) {
    for (const route of netlink.routes({ family, table: MAIN_TABLE })) {
      const link = links.get(route.index ?? 0);
      if (route.destination !== "default" || link === undefined || isTunnel(link)) continue;
      const address = route.gateway;
      const mac = neighbours.find((each) => each.index === link.index && each.address === address)?.mac;
      if (address !== undefined && mac === undefined && link.mac !== undefined)
        isUnsettled = family === 4 || isUnsettled;
      gateways.set(`${link.name} ${address}`, { link: link.name, address, mac });
    }
  }
  if (isUnsettled && waits) return "unsettled";
  return networkOf({ gateways: withoutUnheard([...gateways.values()]), resolvers: resolvers() });
}

/** A gateway of IPv6 that nothing was sent to yet would change the picture when something is. */
function withoutUnheard(gateways: readonly Gateway[]): readonly Gateway[] {
  const first = gateways.filter(({ address }) => address === undefined || !address.includes(":"));
  return first.length > 0 ? first : gateways;
}

function resolvers(): string[] {
  const plain = resolversIn(read(RESOLV_CONF));
  return plain.includes(RESOLVED_STUB) ? resolversIn(read(RESOLVED_CONF)) : plain;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
