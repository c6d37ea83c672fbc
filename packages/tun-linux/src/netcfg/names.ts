// What the route family calls its requests and attributes, for errors. Source: linux/rtnetlink.h, linux/if_link.h,
// linux/if_addr.h, linux/neighbour.h, linux/fib_rules.h: the lists stand in the order of the enums, from 1 on.
import type { NetlinkNames } from "../netlink/index.ts";

interface Vocabulary {
  readonly prefix: string;
  readonly names: readonly string[];
  /** Vocabularies of attributes that hold others, by their type. */
  readonly nested?: Readonly<Record<number, Vocabulary>>;
}

function vocabulary(prefix: string, names: string, nested: Readonly<Record<number, Vocabulary>> = {}): Vocabulary {
  return { prefix, names: names.trim().split(/\s+/), nested };
}

const LINK_INFO = vocabulary("IFLA_INFO_", "KIND DATA XSTATS SLAVE_KIND SLAVE_DATA");

const LINK = vocabulary(
  "IFLA_",
  `ADDRESS BROADCAST IFNAME MTU LINK QDISC STATS COST PRIORITY MASTER WIRELESS PROTINFO TXQLEN MAP WEIGHT OPERSTATE
   LINKMODE LINKINFO NET_NS_PID IFALIAS NUM_VF VFINFO_LIST STATS64 VF_PORTS PORT_SELF AF_SPEC GROUP NET_NS_FD EXT_MASK
   PROMISCUITY NUM_TX_QUEUES NUM_RX_QUEUES CARRIER PHYS_PORT_ID CARRIER_CHANGES PHYS_SWITCH_ID LINK_NETNSID
   PHYS_PORT_NAME PROTO_DOWN GSO_MAX_SEGS GSO_MAX_SIZE PAD XDP EVENT NEW_NETNSID TARGET_NETNSID CARRIER_UP_COUNT
   CARRIER_DOWN_COUNT NEW_IFINDEX MIN_MTU MAX_MTU PROP_LIST ALT_IFNAME PERM_ADDRESS PROTO_DOWN_REASON PARENT_DEV_NAME
   PARENT_DEV_BUS_NAME GRO_MAX_SIZE TSO_MAX_SIZE TSO_MAX_SEGS ALLMULTI`,
  { 18: LINK_INFO },
);

const ADDRESS = vocabulary(
  "IFA_",
  "ADDRESS LOCAL LABEL BROADCAST ANYCAST CACHEINFO MULTICAST FLAGS RT_PRIORITY TARGET_NETNSID PROTO",
);

const METRICS = vocabulary(
  "RTAX_",
  `LOCK MTU WINDOW RTT RTTVAR SSTHRESH CWND ADVMSS REORDERING HOPLIMIT INITCWND FEATURES RTO_MIN INITRWND QUICKACK
   CC_ALGO FASTOPEN_NO_COOKIE`,
);

const ROUTE = vocabulary(
  "RTA_",
  `DST SRC IIF OIF GATEWAY PRIORITY PREFSRC METRICS MULTIPATH PROTOINFO FLOW CACHEINFO SESSION MP_ALGO TABLE MARK
   MFC_STATS VIA NEWDST PREF ENCAP_TYPE ENCAP EXPIRES PAD UID TTL_PROPAGATE IP_PROTO SPORT DPORT NH_ID`,
  { 8: METRICS },
);

const NEIGHBOUR = vocabulary(
  "NDA_",
  `DST LLADDR CACHEINFO PROBES VLAN PORT VNI IFINDEX MASTER LINK_NETNSID SRC_VNI PROTOCOL NH_ID FDB_EXT_ATTRS FLAGS_EXT
   NDM_STATE_MASK NDM_FLAGS_MASK`,
);

const RULE = vocabulary(
  "FRA_",
  `DST SRC IIFNAME GOTO UNUSED2 PRIORITY UNUSED3 UNUSED4 UNUSED5 FWMARK FLOW TUN_ID SUPPRESS_IFGROUP SUPPRESS_PREFIXLEN
   TABLE FWMASK OIFNAME PAD L3MDEV UID_RANGE PROTOCOL IP_PROTO SPORT_RANGE DPORT_RANGE`,
);

/** Message types go in fours: new, delete, get, set. */
const GROUPS: ReadonlyMap<number, { readonly noun: string; readonly attributes: Vocabulary }> = new Map([
  [16, { noun: "LINK", attributes: LINK }],
  [20, { noun: "ADDR", attributes: ADDRESS }],
  [24, { noun: "ROUTE", attributes: ROUTE }],
  [28, { noun: "NEIGH", attributes: NEIGHBOUR }],
  [32, { noun: "RULE", attributes: RULE }],
]);
const VERBS = ["NEW", "DEL", "GET", "SET"];

/** "RTM_NEWADDR" and "IFA_LOCAL"; numbers for what has no name here. */
export const routeNames: NetlinkNames = {
  request(type) {
    const noun = GROUPS.get(type & ~3)?.noun;
    return noun === undefined ? `netlink request ${type}` : `RTM_${VERBS[type & 3]}${noun}`;
  },
  attribute(type, path) {
    let known = GROUPS.get(type & ~3)?.attributes;
    const words: string[] = [];
    for (const number of path) {
      const name = known?.names[number - 1];
      words.push(known && name !== undefined ? known.prefix + name : `attribute ${number}`);
      known = known?.nested?.[number];
    }
    return words.join(" > ");
  },
};
