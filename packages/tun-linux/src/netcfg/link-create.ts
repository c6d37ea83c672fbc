// New links: pairs, dummies, bridges, VLANs. Source: linux/if_link.h, linux/veth.h.
import { NLM_F_CREATE, NLM_F_EXCL, NetlinkMessage } from "../netlink/index.ts";
import { checkNumber, U16_MAX, U32_MAX } from "./check.ts";
import * as ifla from "./link-attributes.ts";
import { numbersOf, type LinkChange } from "./link-change.ts";
import * as kinds from "./link-kinds.ts";
import { checkLinkName } from "./links.ts";
import { parseOwnMac } from "./mac-text.ts";

const VETH_INFO_PEER = 1;
const VLAN_ID_MAX = 4094;

/** What every new interface may be given. All of it happens in one step, or nothing does. */
interface NewLink extends Pick<LinkChange, "mtuBytes" | "txQueueLength" | "group" | "master" | "mac" | "namespaceFd"> {
  readonly name: string;
  /** Default: the system's choice. */
  readonly index?: number;
  /** Default false. */
  readonly up?: boolean;
}

/** A pair of interfaces: what one sends, the other receives. */
export interface VethSpec extends NewLink {
  readonly kind: "veth";
  /** It starts out down: the kernel lets neither end up before both are there. */
  readonly peer: Omit<NewLink, "up" | "master">;
}

/** An interface that drops what it is given. */
export interface DummySpec extends NewLink {
  readonly kind: "dummy";
}

/** A switch; interfaces join it by their `master`. */
export interface BridgeSpec extends NewLink {
  readonly kind: "bridge";
  readonly spanningTree?: boolean;
  readonly vlanFiltering?: boolean;
  readonly multicastSnooping?: boolean;
  /** In steps of 10 ms; the kernel takes 2 to 30 seconds, and anything while the spanning tree is off. */
  readonly forwardDelayMs?: number;
  /** How long an address that was learned is kept, in steps of 10 ms. */
  readonly ageingMs?: number;
  readonly priority?: number;
}

/** The frames of another interface that carry a tag. */
export interface VlanSpec extends NewLink {
  readonly kind: "vlan";
  /** Index of the interface that it stands on. */
  readonly parent: number;
  /** 1 to 4094. */
  readonly id: number;
  /** Default "802.1Q". */
  readonly protocol?: kinds.VlanProtocol;
}

/** An interface to make; `kind` says of which kind. */
export type LinkSpec = VethSpec | DummySpec | BridgeSpec | VlanSpec;

/** @throws DeviceError E_DEVICE_OPTION for names and numbers that cannot be */
export function addLinkRequest(spec: LinkSpec): NetlinkMessage {
  const message = new NetlinkMessage(ifla.RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, headerOf(spec));
  describe(message, spec);
  if (spec.kind === "vlan") message.u32(ifla.IFLA_LINK, spec.parent);
  return message.nested(ifla.IFLA_LINKINFO, (info) => {
    info.string(ifla.IFLA_INFO_KIND, spec.kind);
    if (spec.kind !== "dummy") info.nested(ifla.IFLA_INFO_DATA, (data) => fillData(data, spec));
  });
}

function headerOf({ index = 0, up = false }: NewLink): Uint8Array {
  return ifla.ifinfo(index, up ? ifla.IFF_UP : 0, up ? ifla.IFF_UP : 0);
}

function describe(message: NetlinkMessage, link: NewLink): void {
  message.string(ifla.IFLA_IFNAME, checkLinkName(link.name));
  for (const [type, value] of numbersOf(link)) message.u32(type, value);
  if (link.mac !== undefined) message.attr(ifla.IFLA_ADDRESS, parseOwnMac(link.mac));
  if (link.namespaceFd !== undefined) message.u32(ifla.IFLA_NET_NS_FD, link.namespaceFd);
}

function fillData(data: NetlinkMessage, spec: Exclude<LinkSpec, DummySpec>): void {
  switch (spec.kind) {
    case "veth":
      data.nested(VETH_INFO_PEER, (inner) => describe(inner, spec.peer), headerOf(spec.peer));
      return;
    case "bridge":
      fillBridge(data, spec);
      return;
    case "vlan":
      data.u16(kinds.IFLA_VLAN_ID, checkNumber("vlan id", spec.id, VLAN_ID_MAX, 1));
      data.u16(kinds.IFLA_VLAN_PROTOCOL, spec.protocol === "802.1ad" ? kinds.ETH_P_8021AD : kinds.ETH_P_8021Q, {
        bigEndian: true,
      });
  }
}

function fillBridge(data: NetlinkMessage, spec: BridgeSpec): void {
  const { spanningTree, vlanFiltering, multicastSnooping, forwardDelayMs, ageingMs, priority } = spec;
  const ticks = (what: string, ms: number) => checkNumber(what, Math.round(ms / kinds.BRIDGE_TICK_MS), U32_MAX);
  if (forwardDelayMs !== undefined) data.u32(kinds.IFLA_BR_FORWARD_DELAY, ticks("forwardDelayMs", forwardDelayMs));
  if (ageingMs !== undefined) data.u32(kinds.IFLA_BR_AGEING_TIME, ticks("ageingMs", ageingMs));
  if (spanningTree !== undefined) data.u32(kinds.IFLA_BR_STP_STATE, spanningTree ? 1 : 0);
  if (priority !== undefined) data.u16(kinds.IFLA_BR_PRIORITY, checkNumber("bridge priority", priority, U16_MAX));
  if (vlanFiltering !== undefined) data.u8(kinds.IFLA_BR_VLAN_FILTERING, vlanFiltering ? 1 : 0);
  if (multicastSnooping !== undefined) data.u8(kinds.IFLA_BR_MCAST_SNOOPING, multicastSnooping ? 1 : 0);
}
