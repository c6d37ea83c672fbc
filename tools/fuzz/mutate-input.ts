// Changes of a whole scenario: its packets and their order and times, its rule table, its settings.
import {
  HEADER_STRATEGIES_AT,
  HEADER_STRATEGY_COUNT,
  OP_BYTES,
  OP_FLAGS,
  OP_FOOLINGS,
  OP_TECHNIQUE,
  OP_VALUE,
  RULES_HEADER_BYTES,
  STRATEGY_BYTES,
  STRATEGY_OP_COUNT,
  STRATEGY_OPS_AT,
  Technique,
  VNET_HEADER_BYTES,
} from "@bunnel/abi";
import type { FuzzInput, FuzzPacket } from "./input.ts";
import { mutateOctets } from "./mutate-octets.ts";
import type { Chance } from "./random.ts";
import { repair } from "./repair.ts";

const OPTIONS_BYTES = 8;
const PACKETS_MAX = 16;
const PACKET_MAX_BYTES = 9000;
const GAPS_MS: readonly number[] = [0, 1, 5, 50, 99, 100, 101, 7999, 8001, 130_000, 0x7fff_ffff];
const TECHNIQUES_MAX = Technique.Tos;

/** A neighbour of `input`; `other` is another input that lends parts. */
export function mutateInput(input: FuzzInput, chance: Chance, other: FuzzInput): FuzzInput {
  const choice = chance.below(16);
  if (choice === 0) return { ...input, options: mutateOptions(input.options, chance) };
  if (choice === 1) return { ...input, table: other.table };
  if (choice < 5 && input.table.length > RULES_HEADER_BYTES) {
    return { ...input, table: mutateTable(input.table, chance) };
  }
  if (choice < 8) return { ...input, packets: mutateOrder(input.packets, chance, other.packets) };
  return { ...input, packets: mutateOne(input.packets, chance, other.packets) };
}

function mutateOptions(options: Uint8Array, chance: Chance): Uint8Array {
  const changed = new Uint8Array(OPTIONS_BYTES);
  changed.set(options.subarray(0, OPTIONS_BYTES));
  const at = chance.below(OPTIONS_BYTES);
  changed[at] = chance.oneIn(2) ? chance.below(256) : (changed[at] ?? 0) ^ (1 << chance.below(8));
  return changed;
}

/** Mostly the operations, in which all techniques can be had; now and then any octet, for the door to refuse. */
function mutateTable(table: Uint8Array, chance: Chance): Uint8Array {
  const changed = table.slice();
  const at = operationAt(changed, chance);
  if (chance.oneIn(8) || at + OP_BYTES > changed.length) {
    changed[chance.below(changed.length)] = chance.below(256);
    return changed;
  }
  const choice = chance.below(6);
  if (choice === 0) changed[at + OP_TECHNIQUE] = 1 + chance.below(TECHNIQUES_MAX);
  else if (choice === 1) changed[at + OP_FOOLINGS] = 1 << chance.below(8);
  else if (choice === 2) changed[at + OP_FLAGS] = chance.below(256);
  else if (choice === 3) new DataView(changed.buffer).setInt32(at + OP_VALUE, chance.below(2048) - 256, true);
  else changed[at + chance.below(OP_BYTES)] = chance.below(256);
  return changed;
}

function operationAt(table: Uint8Array, chance: Chance): number {
  const view = new DataView(table.buffer);
  const strategies = view.getUint32(HEADER_STRATEGIES_AT, true);
  const at = strategies + chance.below(view.getUint32(HEADER_STRATEGY_COUNT, true)) * STRATEGY_BYTES;
  if (at + STRATEGY_BYTES > table.length) return table.length;
  return view.getUint32(at + STRATEGY_OPS_AT, true) + chance.below(view.getUint8(at + STRATEGY_OP_COUNT)) * OP_BYTES;
}

function mutateOrder(
  packets: readonly FuzzPacket[],
  chance: Chance,
  others: readonly FuzzPacket[],
): readonly FuzzPacket[] {
  const changed = [...packets];
  const at = chance.below(changed.length);
  const packet = changed[at];
  const choice = chance.below(4);
  if (choice === 0 && changed.length > 1) changed.splice(at, 1);
  else if (choice === 1 && packet !== undefined) changed.splice(chance.below(changed.length + 1), 0, packet);
  else if (choice === 2 && others.length > 0) changed.splice(at, 0, ...others.slice(chance.below(others.length)));
  else if (packet !== undefined) changed[at] = { ...packet, gapMs: chance.pick(GAPS_MS) };
  return changed.slice(0, PACKETS_MAX);
}

function mutateOne(
  packets: readonly FuzzPacket[],
  chance: Chance,
  others: readonly FuzzPacket[],
): readonly FuzzPacket[] {
  const at = chance.below(packets.length);
  const packet = packets[at];
  if (packet === undefined) return others;
  const lender = others[chance.below(others.length)] ?? packet;
  if (chance.oneIn(8)) {
    const header = new Uint8Array(VNET_HEADER_BYTES);
    header.set(mutateOctets(packet.header, chance, lender.header, VNET_HEADER_BYTES));
    return packets.with(at, { ...packet, header });
  }
  let octets = mutateOctets(packet.octets, chance, lender.octets, PACKET_MAX_BYTES);
  if (chance.oneIn(2)) octets = repair(octets);
  return packets.with(at, { ...packet, octets });
}
