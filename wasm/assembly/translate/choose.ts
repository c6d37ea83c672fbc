// Whether a new connection is translated, by what is known at its SYN: family, port and address. Its host name is
// not: a rule for some hosts asks for all flows that may be theirs, and whoever carries them on looks at the name.
// Where the table says so, the name that its destination was last asked for by is taken for it.
import {
  HEADER_STREAM_BY_NAME,
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

const KINDS: u32 = (1 << L7.Tls) | (1 << L7.Http) | (1 << L7.Syn) | (1 << L7.Dns);
const HTTP_PORT: u32 = 80;
const OUTBOUND: u32 = 1;

/** Index of the rule that wants this flow; -1: it goes as packets. The first rule that is sure to decide it does. */
export function streamRule(table: usize, p: usize, m: Meta, now: u32): i32 {
  const n = ruleCount(table);
  const family: u32 = m.family == 4 ? 1 : 2;
  const likely: u32 = 1 << (m.destinationPort == HTTP_PORT ? L7.Http : L7.Tls);
  const name = load<u32>(table + HEADER_STREAM_BY_NAME) == 0 ? 0 : nameOfDestination(p, m, now);
  for (let i = 0; i < n; i++) {
    const rule = ruleAt(table, i);
    const isStream = load<u8>(rule + RULE_EGRESS) == RuleEgress.Stream;
    if ((load<u8>(rule + RULE_L7_MASK) & (isStream ? KINDS : likely)) == 0) continue;
    if ((load<u8>(rule + RULE_FAMILY_MASK) & family) == 0 || !matchPort(rule, m.destinationPort)) continue;
    const directions: u32 = load<u8>(rule + RULE_DIRECTION_MASK);
    if (directions != 0 && (directions & OUTBOUND) == 0) continue;
    const addresses: u32 = load<u16>(rule + RULE_ADDRESS_SET);
    if (addresses != 0 && !matchAddress(table, addresses, p, m.family)) continue;
    const set: u32 = load<u16>(rule + RULE_HOST_SET);
    if (set != 0 && name > 0 && !matchHost(table, set, lane + LANE_NAME, name)) continue;
    if (isStream) return i;
    // A rule for some hosts or some packets leaves the others to the rules behind it.
    if ((set == 0 || name > 0) && load<u16>(rule + RULE_PACKET_LAST) == 0) return -1;
  }
  return -1;
}
