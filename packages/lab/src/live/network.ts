// Builds the four machines and their links. Nothing has a name outside: it all goes when the last process of it goes.
import { NetworkNamespace, RouteNetlink } from "@bunnel/tun-linux";
import {
  type Family,
  type HostRole,
  type LinkEnd,
  LINKS,
  ROUTES,
  SERVER_ADDRESSES_MAX,
  serverAddress,
} from "./address-plan.ts";
import { LabHost } from "./host.ts";
import { hasSysctl, setSysctl } from "./sysctl.ts";
import { LabError } from "./errors.ts";

export type Hosts = Readonly<Record<HostRole, LabHost>>;

/** The families that this kernel speaks. */
export function knownFamilies(): readonly Family[] {
  return hasSysctl("net/ipv6/conf/all/forwarding") ? [4, 6] : [4];
}

/**
 * Makes namespaces, links, addresses and routes.
 * @throws DeviceError E_DEVICE_DENIED without the right to make namespaces
 */
export function buildNetwork(families: readonly Family[]): Hosts {
  const hosts = {
    client: new LabHost("client", NetworkNamespace.create()),
    censor: new LabHost("censor", NetworkNamespace.create()),
    hop: new LabHost("hop", NetworkNamespace.create()),
    server: new LabHost("server", NetworkNamespace.create()),
  };
  for (const host of Object.values(hosts)) host.inside(() => setUp(host.role, families));
  for (const { near, far } of LINKS) {
    hosts[near.host].inside(() => {
      using netlink = RouteNetlink.open();
      netlink.addVeth(near.interfaceName, far.interfaceName, { peerNamespaceFd: hosts[far.host].namespace.fd });
    });
    for (const end of [near, far]) hosts[end.host].inside(() => configure(end, families));
  }
  for (const host of Object.values(hosts)) host.inside(() => addRoutes(host.role, families));
  return hosts;
}

function setUp(role: HostRole, families: readonly Family[]): void {
  const routes = role === "censor" || role === "hop";
  if (families.includes(4)) {
    // Defaults come from the machine around us; a lab is the same everywhere.
    for (const scope of ["all", "default"]) setSysctl(`net/ipv4/conf/${scope}/rp_filter`, 0);
    setSysctl("net/ipv4/ip_forward", routes ? 1 : 0);
  }
  if (families.includes(6)) {
    for (const scope of ["all", "default"]) {
      setSysctl(`net/ipv6/conf/${scope}/disable_ipv6`, 0);
      setSysctl(`net/ipv6/conf/${scope}/forwarding`, routes ? 1 : 0);
      // Addresses count at once: nobody else is on these links who could have them.
      setSysctl(`net/ipv6/conf/${scope}/accept_dad`, 0);
    }
  }
}

function configure(end: LinkEnd, families: readonly Family[]): void {
  using netlink = RouteNetlink.open();
  const index = indexOf(netlink, end.interfaceName);
  for (const family of families) {
    netlink.addAddress(index, end.addresses[family], { noDad: true });
    if (end.host !== "server") continue;
    for (let place = 1; place < SERVER_ADDRESSES_MAX; place++) {
      const address = `${serverAddress(family, place)}/${family === 4 ? 24 : 64}`;
      netlink.addAddress(index, address, { noDad: true });
    }
  }
  netlink.setLink(index, { up: true });
}

function addRoutes(role: HostRole, families: readonly Family[]): void {
  using netlink = RouteNetlink.open();
  for (const { host, interfaceName, family, gateway } of ROUTES) {
    if (host !== role || !families.includes(family)) continue;
    netlink.addRoute({ family, gateway, index: indexOf(netlink, interfaceName) });
  }
}

function indexOf(netlink: RouteNetlink, name: string): number {
  const link = netlink.link(name);
  if (!link) throw new LabError("E_LAB_STATE", `interface ${name}: expected it where it was made, found none`);
  return link.index;
}
