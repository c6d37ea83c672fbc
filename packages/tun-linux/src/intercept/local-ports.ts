// Interception of a few local ports: whatever this machine sends from them comes up at a device, and nothing else does.
// It lives beside the interception of a service and goes before it: what comes from these ports bears the mark that the
// service lets go, and one more by which it is told from the service's own packets.
//
//   socket on a port of `taken` → output hook: mark 0x4800 → rule 8997 → table 4001 → device → … → raw socket, 0x4000
//   socket on a port of `apart` → output hook: mark 0x4000 → as if no service were there
import { DeviceError, type NumberRange } from "@bunnel/device";
import { currentNamespace, NetworkNamespace } from "../namespace.ts";
import { RouteNetlink } from "../netcfg/route-netlink.ts";
import type { RuleSpec } from "../netcfg/rules.ts";
import { NftClient } from "../nft/client.ts";
import { NFT_TABLE_F_OWNER } from "../nft/constants.ts";
import { gotoVerdict, returnVerdict } from "../nft/expression.ts";
import { addMark, hasSourcePortOfSet, isTcp, isUdp, leavesBy, markHas } from "../nft/match.ts";
import { deleteTable, newChain, newRouteChain, newRule, newSet, newTable } from "../nft/message.ts";
import type { RangeSet, Rule } from "../nft/message.ts";
import { ifThere } from "./if-there.ts";
import { isRule } from "./policy.ts";
import { OUR_MARK, SELECTED_MARK } from "./marks.ts";
import { rangesOfNumbers } from "./owner-rules.ts";

/** Beside OUR_MARK it says: into the device of the ports. */
export const PORTS_MARK = 0x0800;
/** The route table that holds the ways into that device. */
export const PORTS_ROUTE_TABLE = 4001;
/** Before all rules of a service. */
export const PRIORITY_PORTS = 8997;
export const PORTS_TABLE = "bunnel-ports";

const CHAIN_OUTPUT = "output";
const CHAIN_PORTS = "ports";
/** One before NF_IP_PRI_MANGLE of linux/netfilter_ipv4.h, where the hook of a service stands. */
const PRIORITY_BEFORE_SERVICE = -151;
const FAMILIES = [4, 6] as const;

/** Which local ports, and where what leaves them comes up. */
export interface LocalPorts {
  /** Where packets come up: up, without an address, its MTU that of the uplink. */
  readonly deviceIndex: number;
  /** Packets from these ports come up. */
  readonly taken: NumberRange;
  /** Packets from these take the way they had without any service. */
  readonly apart: NumberRange;
}

/**
 * Makes TCP and UDP from the ports of `taken` come up at the device, in both families, whatever their destination but
 * loopback. What leaves with OUR_MARK does not come up again. When the process ends, by whatever cause, table and
 * routes vanish with it; of a killed one two rules are left that lead nowhere, and the next call takes them over.
 * @throws DeviceError E_DEVICE_BUSY while another process does the same; E_UNSUPPORTED or E_DEVICE_SYSTEM where the
 * kernel lacks nftables; E_DEVICE_DENIED without CAP_NET_ADMIN
 */
export function interceptLocalPorts(ports: LocalPorts): Disposable {
  using undo = new DisposableStack();
  const namespace = undo.use(NetworkNamespace.current());
  const name = currentNamespace();
  const netlink = undo.use(RouteNetlink.open());
  const client = undo.use(NftClient.open());
  refuseSecond(client);
  const changes = undo.use(new DisposableStack());
  for (const family of FAMILIES) addWay(netlink, changes, family, ports.deviceIndex);
  client.commit([newTable(PORTS_TABLE, NFT_TABLE_F_OWNER, PORTS_TABLE)]);
  changes.defer(() => ifThere(() => client.commit([deleteTable(PORTS_TABLE)])));
  client.commit(contentOf(ports));
  const held = undo.move();
  return {
    [Symbol.dispose]() {
      if (held.disposed) return;
      if (currentNamespace() === name) held.dispose();
      else namespace.run(() => held.dispose());
    },
  };
}

/** Rules for marked packets, which wg-quick's mark 0xca6c does not fit. */
function markedRule(family: 4 | 6): RuleSpec {
  const mark = OUR_MARK | PORTS_MARK;
  return { family, priority: PRIORITY_PORTS, mark, mask: mark | SELECTED_MARK, table: PORTS_ROUTE_TABLE };
}

/** The table of a process that lives has an owner. */
function refuseSecond(client: NftClient): void {
  const table = client.table(PORTS_TABLE);
  if (table === undefined) return;
  if (table.owned) {
    throw new DeviceError("E_DEVICE_BUSY", `nftables table inet ${PORTS_TABLE} has a living owner: another probe runs`);
  }
  client.commit([deleteTable(PORTS_TABLE)]);
}

/** A family that the machine does not have is left out. */
function addWay(netlink: RouteNetlink, undo: DisposableStack, family: 4 | 6, deviceIndex: number): void {
  const route = { family, index: deviceIndex, table: PORTS_ROUTE_TABLE };
  const rule = markedRule(family);
  try {
    netlink.replaceRoute(route);
  } catch (error) {
    if (family === 6 && error instanceof DeviceError) return;
    throw error;
  }
  undo.defer(() => ifThere(() => netlink.removeRoute(route)));
  if (!netlink.rules(family).some((found) => isRule(found, rule))) netlink.addRule(rule);
  undo.defer(() => ifThere(() => netlink.removeRule(rule)));
}

function contentOf({ taken, apart }: LocalPorts) {
  const sets = [portsOf("taken", taken), portsOf("apart", apart)];
  const output: Rule[] = [
    [...markHas(OUR_MARK), returnVerdict()],
    [...leavesBy("lo"), returnVerdict()],
    [...isTcp(), gotoVerdict(CHAIN_PORTS)],
    [...isUdp(), gotoVerdict(CHAIN_PORTS)],
  ];
  const ports: Rule[] = [
    [...hasSourcePortOfSet("taken"), ...addMark(OUR_MARK | PORTS_MARK)],
    [...hasSourcePortOfSet("apart"), ...addMark(OUR_MARK)],
  ];
  return [
    ...sets.flatMap((set, index) => newSet(PORTS_TABLE, set, index + 1)),
    newRouteChain(PORTS_TABLE, CHAIN_OUTPUT, PRIORITY_BEFORE_SERVICE),
    newChain(PORTS_TABLE, CHAIN_PORTS),
    ...output.map((rule) => newRule(PORTS_TABLE, CHAIN_OUTPUT, rule)),
    ...ports.map((rule) => newRule(PORTS_TABLE, CHAIN_PORTS, rule)),
  ];
}

function portsOf(name: string, range: NumberRange): RangeSet {
  return { name, key: "port", keyBytes: 2, ranges: rangesOfNumbers([range], 2) };
}
