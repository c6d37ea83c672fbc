// Flow and message to rule: the first rule that matches decides.
import {
  RULE_FAMILY_MASK,
  RULE_HOST_SET,
  RULE_L7_MASK,
  RULE_PORT_COUNT,
  RULE_PORTS,
  RULE_ADDRESS_SET,
  RULE_DIRECTION_MASK,
  RULE_PACKET_FIRST,
  RULE_PACKET_LAST,
} from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { Meta } from "../mem/meta";
import { matchAddress } from "./address";
import { matchHost } from "./host";
import { ruleAt, ruleCount } from "./table";

/** Index of the rule that decides about this message; -1: none does. */
export function matchRule(table: usize, p: usize, m: Meta, message: Message): i32 {
  const n = ruleCount(table);
  const family: u32 = m.family == 4 ? 1 : 2;
  const direction: u32 = 1 << m.direction;
  for (let i = 0; i < n; i++) {
    const rule = ruleAt(table, i);
    if ((load<u8>(rule + RULE_L7_MASK) & (1 << message.l7)) == 0) continue;
    if ((load<u8>(rule + RULE_FAMILY_MASK) & family) == 0) continue;
    if (!matchPort(rule, m.destinationPort) || !matchPlace(rule, m.packetNumber, direction)) continue;
    const addresses: u32 = load<u16>(rule + RULE_ADDRESS_SET);
    if (addresses != 0 && !matchAddress(table, addresses, p, m.family)) continue;
    const set: u32 = load<u16>(rule + RULE_HOST_SET);
    if (set == 0 || matchHost(table, set, message.hostAt, message.hostBytes)) return i;
  }
  return -1;
}

/** Whether the port is one of the rule's. */
export function matchPort(rule: usize, port: u32): bool {
  const n = <i32>load<u16>(rule + RULE_PORT_COUNT);
  if (n == 0) return true;
  for (let i = 0; i < n; i++) {
    const range = rule + RULE_PORTS + ((<usize>i) << 2);
    if (port >= load<u16>(range) && port <= load<u16>(range, 2)) return true;
  }
  return false;
}

/** Where the packet stands in its flow. */
function matchPlace(rule: usize, number: u32, direction: u32): bool {
  const directions = load<u8>(rule + RULE_DIRECTION_MASK);
  if (directions != 0 && (directions & direction) == 0) return false;
  const last = load<u16>(rule + RULE_PACKET_LAST);
  return last == 0 || (number >= load<u16>(rule + RULE_PACKET_FIRST) && number <= last);
}
