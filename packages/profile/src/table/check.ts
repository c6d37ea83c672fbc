// The door of the engine: it trusts a table that was checked here, so nothing may lie outside, overflow or loop.
import * as abi from "@bunnel/abi";
import { checkAddressSets } from "./check-addresses.ts";
import { checkHostPlaces } from "./check-hosts.ts";
import { checkOperation } from "./check-operation.ts";
import { L7_BITS } from "./operation-shape.ts";
import { checkInside, refuse } from "./refuse.ts";
import { TableView } from "./view.ts";
import { carriedMask } from "./words.ts";

const FAMILY_BITS = 3;
const DIRECTION_BITS = 3;
/** Techniques that make pieces of a message. */
const CUTTING: readonly number[] = [abi.Technique.Split, abi.Technique.FakedSplit, abi.Technique.HostFakeSplit];

/** Techniques beside which nothing has a meaning. */
const ALONE: readonly number[] = [abi.Technique.Drop, abi.Technique.Doh, abi.Technique.Redirect];

/**
 * Looks at everything that the engine will read: numbers within their limits, offsets at multiples of four and inside,
 * every operation one that it can carry out, every name where probing finds it.
 * @throws ProfileError E_RULES_TABLE naming the first thing that is wrong
 */
export function checkRules(table: Uint8Array): void {
  const view = new TableView(table);
  checkHeader(view);
  for (let index = 0; index < view.strategyCount; index += 1) checkStrategy(view, index);
  checkAddressSets(view);
  const sets = checkHostPlaces(view);
  let kinds = 0;
  for (let index = 0; index < view.ruleCount; index += 1) kinds |= checkRule(view, index, sets);
  const wanted = view.u32(abi.HEADER_L7_MASK);
  if (wanted !== kinds) refuse("kinds", `${hex(kinds)}, those of the rules`, hex(wanted));
  const carried = carriedMask(
    Array.from({ length: view.ruleCount }, (_, index) => view.u8(view.ruleAt(index) + abi.RULE_EGRESS)),
  );
  const asked = view.u32(abi.HEADER_CARRIED);
  if (asked !== carried) refuse("carried", `${hex(carried)}, as the rules have it`, hex(asked));
  const byName = view.u32(abi.HEADER_STREAM_BY_NAME);
  if (byName > 1) refuse("choice by name", "0 or 1", byName);
}

function checkHeader(view: TableView): void {
  const { byteLength } = view.octets;
  if (byteLength < abi.RULES_HEADER_BYTES) refuse("size", `at least ${abi.RULES_HEADER_BYTES} octets`, byteLength);
  const magic = view.u32(abi.HEADER_MAGIC);
  if (magic !== abi.RULES_MAGIC) refuse("magic", hex(abi.RULES_MAGIC), hex(magic));
  const version = view.u32(abi.HEADER_VERSION);
  if (version !== abi.RULES_VERSION) refuse("version", String(abi.RULES_VERSION), version);
  const total = view.totalBytes;
  const most = Math.min(byteLength, abi.RULES_TABLE_BYTES);
  if (total < abi.RULES_HEADER_BYTES || total > most || total % 4 !== 0) {
    refuse("total size", `a multiple of 4 from ${abi.RULES_HEADER_BYTES} to ${most}`, total);
  }
  if (view.ruleCount > abi.RULES_MAX) refuse("rules", `at most ${abi.RULES_MAX}`, view.ruleCount);
  if (view.strategyCount > abi.RULES_MAX) refuse("strategies", `at most ${abi.RULES_MAX}`, view.strategyCount);
  const places = view.hostPlaces;
  if ((places & (places - 1)) !== 0 || places * abi.HOST_PLACE_BYTES > abi.RULES_TABLE_BYTES) {
    refuse("host places", "a power of two that fits", places);
  }
  checkInside(view, "rules", view.ruleAt(0), view.ruleCount * abi.RULE_BYTES);
  checkInside(view, "strategies", view.strategyAt(0), view.strategyCount * abi.STRATEGY_BYTES);
  checkInside(view, "host places", view.hostPlaceAt(0), places * abi.HOST_PLACE_BYTES);
}

/** Checks a rule; gives the bits of its kinds. */
function checkRule(view: TableView, index: number, sets: ReadonlySet<number>): number {
  const thing = `rule ${index}`;
  const at = view.ruleAt(index);
  const mask = view.u8(at + abi.RULE_L7_MASK);
  const egress = view.u8(at + abi.RULE_EGRESS);
  if (egress > abi.RuleEgress.Left) refuse(`${thing} egress`, `at most ${abi.RuleEgress.Left}`, egress);
  const looksAtNone = egress >= abi.RuleEgress.Datagrams;
  if (looksAtNone && mask !== 0) refuse(`${thing} kinds`, "none beside its egress", hex(mask));
  if ((mask === 0 && !looksAtNone) || (mask & ~L7_BITS) !== 0) {
    refuse(`${thing} kinds`, `bits of ${hex(L7_BITS)}`, hex(mask));
  }
  const families = view.u8(at + abi.RULE_FAMILY_MASK);
  if (families === 0 || (families & ~FAMILY_BITS) !== 0) refuse(`${thing} families`, "bits of 0x3", hex(families));
  const strategy = view.u16(at + abi.RULE_STRATEGY);
  if (strategy !== abi.RULE_EXCLUDE) {
    if (strategy >= view.strategyCount) refuse(`${thing} strategy`, `less than ${view.strategyCount}`, strategy);
    const kind = 1 << view.u8(view.strategyAt(strategy) + abi.STRATEGY_L7);
    if (mask !== kind) refuse(`${thing} kinds`, `${hex(kind)}, as its strategy has`, hex(mask));
  }
  const set = view.u16(at + abi.RULE_HOST_SET);
  if (set !== 0 && !sets.has(set)) refuse(`${thing} hosts`, "a set that has names", set);
  const addresses = view.u16(at + abi.RULE_ADDRESS_SET);
  if (addresses > view.addressSetCount) refuse(`${thing} addresses`, `at most ${view.addressSetCount}`, addresses);
  const direction = view.u8(at + abi.RULE_DIRECTION_MASK);
  if (direction > DIRECTION_BITS) refuse(`${thing} direction`, "bits of 0x3", hex(direction));
  checkPackets(view, thing, at);
  checkPorts(view, thing, at);
  return mask;
}

function checkPackets(view: TableView, thing: string, at: number): void {
  const first = view.u16(at + abi.RULE_PACKET_FIRST);
  const last = view.u16(at + abi.RULE_PACKET_LAST);
  if (first === 0 && last === 0) return;
  if (first < 1 || first > last) refuse(`${thing} packets`, "first, then last, from 1", `${first} to ${last}`);
}

function checkPorts(view: TableView, thing: string, at: number): void {
  const ports = view.u16(at + abi.RULE_PORT_COUNT);
  if (ports > abi.PORT_RANGES_MAX) refuse(`${thing} port ranges`, `at most ${abi.PORT_RANGES_MAX}`, ports);
  for (let range = 0; range < ports; range += 1) {
    const first = view.u16(at + abi.RULE_PORTS + range * 4);
    const last = view.u16(at + abi.RULE_PORTS + range * 4 + 2);
    if (first < 1 || first > last)
      refuse(`${thing} port range ${range}`, "first, then last, from 1", `${first} to ${last}`);
  }
}

function checkStrategy(view: TableView, index: number): void {
  const thing = `strategy ${index}`;
  const at = view.strategyAt(index);
  const l7 = view.u8(at + abi.STRATEGY_L7);
  if (l7 < abi.L7.Tls || l7 > abi.L7.Syn) refuse(`${thing} kind`, `${abi.L7.Tls} to ${abi.L7.Syn}`, l7);
  const count = view.u8(at + abi.STRATEGY_OP_COUNT);
  if (count < 1 || count > abi.OPS_MAX) refuse(`${thing} operations`, `1 to ${abi.OPS_MAX}`, count);
  const opsAt = view.u32(at + abi.STRATEGY_OPS_AT);
  checkInside(view, `${thing} operations`, opsAt, count * abi.OP_BYTES);
  const techniques: number[] = [];
  for (let op = 0; op < count; op += 1) {
    const opAt = opsAt + op * abi.OP_BYTES;
    const technique = checkOperation(view, `${thing} operation ${op}`, opAt, l7);
    const isCut = techniques.some((earlier) => CUTTING.includes(earlier));
    const isSecond = (view.u8(opAt + abi.OP_FLAGS) & abi.OpFlag.OverlapSecond) !== 0;
    if (!isCut && (technique === abi.Technique.Disorder || isSecond)) {
      refuse(`${thing} operation ${op} technique`, "one that cuts before it", technique);
    }
    techniques.push(technique);
  }
  if (count > 1 && techniques.some((one) => ALONE.includes(one))) {
    refuse(`${thing} operations`, "1 with a drop or an answer", count);
  }
}

function hex(number: number): string {
  return `0x${number.toString(16)}`;
}
