// A network behind the client of a live lab, which is its router then:
//
//   lan ── 198.18.7.0/24, 2001:db8:77::/64 ── client ── the rest of the lab
//
// Its addresses are not private ones on purpose: nothing here is left alone because of them.
import { LabHost, type Family, type LiveLab } from "@bunnel/lab/live";
import { NetworkNamespace } from "@bunnel/tun-linux";
import { succeed } from "./lab.ts";

/** The router's interface towards the network. */
export const LAN_INTERFACE = "lan0";
export const LAN_CLIENT: Readonly<Record<Family, string>> = { 4: "198.18.7.2", 6: "2001:db8:77::2" };
const LAN_ROUTER: Readonly<Record<Family, string>> = { 4: "198.18.7.1", 6: "2001:db8:77::1" };

/** "plain": the world has a route back to the network. "masquerade": it takes all of it for the router. */
export const TRANSLATIONS = ["plain", "masquerade"] as const;
export type Translation = (typeof TRANSLATIONS)[number];

/** A machine of the network. It goes with the lab; dispose of it before. */
export async function joinLan(lab: LiveLab, translation: Translation): Promise<LabHost> {
  const lan = new LabHost("client", NetworkNamespace.create());
  try {
    await succeed(lab.client, ["bash", "-ec", routerScript(lan.namespace.path, translation)]);
    await succeed(lan, ["bash", "-ec", CLIENT_SCRIPT]);
    if (translation === "plain") await succeed(lab.censor, ["bash", "-ec", RETURN_SCRIPT]);
    return lan;
  } catch (error) {
    await lan[Symbol.asyncDispose]();
    throw error;
  }
}

function routerScript(path: string, translation: Translation): string {
  return `
    ip link add ${LAN_INTERFACE} type veth peer name eth0 netns ${path}
    ip addr add ${LAN_ROUTER[4]}/24 dev ${LAN_INTERFACE}
    ip addr add ${LAN_ROUTER[6]}/64 dev ${LAN_INTERFACE} nodad
    ip link set ${LAN_INTERFACE} up
    sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    ${translation === "plain" ? "" : "nft -f - <<< '" + MASQUERADE + "'"}`;
}

const MASQUERADE = `table inet nat {
  chain out {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "eth0" masquerade;
  }
}`;

const CLIENT_SCRIPT = `
  ip link set lo up
  ip addr add ${LAN_CLIENT[4]}/24 dev eth0
  ip addr add ${LAN_CLIENT[6]}/64 dev eth0 nodad
  ip link set eth0 up
  ip route add default via ${LAN_ROUTER[4]}
  ip -6 route add default via ${LAN_ROUTER[6]}`;

const RETURN_SCRIPT = `
  ip route add 198.18.7.0/24 via 192.0.2.2
  ip -6 route add 2001:db8:77::/64 via 2001:db8:1::2`;
