// Whether a datagram or an echo request is carried on by a socket, by what is known at any packet of it: family, port,
// address, and the name that its destination was last asked for by.
import {
  L7,
  LANE_NAME,
  RULE_ADDRESS_SET,
  RULE_DIRECTION_MASK,
  RULE_EGRESS,
  RULE_FAMILY_MASK,
  RULE_HOST_SET,
  RULE_L7_MASK,
  RULE_PACKET_LAST,
  RuleEgress,
} from "@bunnel/abi/src/index";
import { nameOfDestination } from "../flow/names";
import { lane } from "../mem/lane";
import { Meta } from "../mem/meta";
import { matchAddress } from "../rules/address";
import { matchHost } from "../rules/host";
import { matchPort } from "../rules/match";
import { ruleAt, ruleCount } from "../rules/table";

const DNS_PORT: u32 = 53;
const QUIC_PORT: u32 = 443;
const OUTBOUND: u32 = 1;

/** Index of the rule that has it carried, -1: none. `egress`: Datagrams or Echo. The first that is sure decides. */
export function carryingRule(table: usize, p: usize, m: Meta, egress: u32, now: u32): i32 {
  const n = ruleCount(table);
  const family: u32 = m.family == 4 ? 1 : 2;
  const kinds: u32 = egress == RuleEgress.Datagrams ? plannedKinds(m.destinationPort) : 0;
  // Asked for when the first rule wants it.
  let name = -1;
  for (let i = 0; i < n; i++) {
    const rule = ruleAt(table, i);
    const own: u32 = load<u8>(rule + RULE_EGRESS);
    const carries = own == egress;
    if (!carries && own != RuleEgress.Left && (load<u8>(rule + RULE_L7_MASK) & kinds) == 0) continue;
    if ((load<u8>(rule + RULE_FAMILY_MASK) & family) == 0 || !matchPort(rule, m.destinationPort)) continue;
    const directions: u32 = load<u8>(rule + RULE_DIRECTION_MASK);
    if (directions != 0 && (directions & OUTBOUND) == 0) continue;
    const addresses: u32 = load<u16>(rule + RULE_ADDRESS_SET);
    if (addresses != 0 && !matchAddress(table, addresses, p, m.family)) continue;
    const set: u32 = load<u16>(rule + RULE_HOST_SET);
    if (set != 0) {
      // What the message itself names is not known yet: such a rule leaves others to those behind it.
      if (own < <u32>RuleEgress.Datagrams) continue;
      if (name < 0) name = nameOfDestination(p, m, now);
      if (!matchHost(table, set, lane + LANE_NAME, name)) continue;
    }
    if (carries) return i;
    if (load<u16>(rule + RULE_PACKET_LAST) == 0) return -1;
  }
  return -1;
}

/** The kind of message that packets of this port may be planned for, as a bit. */
function plannedKinds(port: u32): u32 {
  if (port == DNS_PORT) return 1 << L7.Dns;
  return port == QUIC_PORT ? 1 << L7.Quic : 0;
}
