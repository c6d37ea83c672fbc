// The headers that the native harness includes: the memory map, and rule tables to run under.
import * as abi from "@bunnel/abi";
import { seedTables } from "../seed-tables.ts";
import type { FuzzInput } from "../input.ts";

/** Constants of the memory map that the harness names as they are named there. */
const CONSTANTS = [
  ...["CONTROL_BASE", "CONTROL_RULES", "COUNTERS_MAX", "FLOW_BUCKET_BYTES", "FLOW_ENTRIES_BASE", "FLOW_ENTRY_BYTES"],
  ...["FLOW_TAGS_BASE", "FLOW_WAYS", "GROUP_BYTES", "GROUP_PIECES", "HOLDS_MAX", "HOLD_RECORD_BYTES", "LANES_BASE"],
  ...["LANE_COUNTERS", "LANE_HOLD", "LANE_METAS", "LANE_NAME", "LANE_OFFLOAD", "LANE_RX_AT", "LANE_RX_LENGTHS"],
  ...["LANE_TX_AT", "LANE_TX_LENGTHS", "LANE_WORDS", "MEMORY_BYTES", "META_BYTES", "META_PAYLOAD_BYTES"],
  ...["META_PAYLOAD_OFFSET", "META_TOTAL_BYTES", "OFFLOAD_GROUPS", "REASONS_MAX", "RULES_BASE", "RX_MAX", "TX_MAX"],
  ...["VNET_HEADER_BYTES", "WORD_ANSWER", "WORD_ANSWERED", "WORD_ASKED", "WORD_HELD", "WORD_TX_COUNT"],
] as const;

/** The memory map as C. @throws RangeError for a name that it does not have */
export function layoutHeader(): string {
  const map: Readonly<Record<string, unknown>> = { ...abi };
  const lines = CONSTANTS.map((name) => {
    const value = map[name];
    if (typeof value !== "number") throw new RangeError(`memory map: expected a number ${name}, found ${typeof value}`);
    return define(name, value);
  });
  const { Counter, LaneFlag } = abi;
  return [
    ...lines,
    define("COUNTER_PACKETS_IN", Counter.PacketsIn),
    define("COUNTER_REASONS", Counter.Reasons),
    define("LANE_FLAG_RX_VNET", LaneFlag.RxVnet),
    define("LANE_FLAG_TX_VNET", LaneFlag.TxVnet),
    "",
  ].join("\n");
}

function define(name: string, value: number): string {
  return `#define ${name} ${value}u`;
}

/** The rule tables as C arrays; the harness takes them by number. */
export function tablesHeader(): string {
  const tables = seedTables();
  return [
    define("TABLES", tables.length),
    ...tables.map((table, i) => `static const uint8_t table_${i}[] = {${table.join(",")}};`),
    `static const uint8_t *const tables[] = {${tables.map((_, i) => `table_${i}`).join(",")}};`,
    `static const uint32_t table_bytes[] = {${tables.map(({ length }) => length).join(",")}};`,
    "",
  ].join("\n");
}

/** What a native input does with its packets: see harness.c. */
export type NativeAction = "parse" | "offload" | "poll";
const ACTIONS: readonly NativeAction[] = ["parse", "offload", "poll"];

/** An input of the fuzzer inside Bun as one of the native harness, under rule table `table`. */
export function nativeInput(action: NativeAction, { options, packets }: FuzzInput, table: number): Uint8Array {
  const [flags = 0, mtu = 0] = options;
  const parts = packets.flatMap(({ gapMs, header, octets }) => {
    const whole = new Uint8Array(abi.VNET_HEADER_BYTES);
    whole.set(header.subarray(0, whole.length));
    return [Uint8Array.of(Math.min(gapMs, 255), octets.length & 0xff, octets.length >> 8), whole, octets];
  });
  return new Uint8Array(Buffer.concat([Uint8Array.of(ACTIONS.indexOf(action), flags, table, mtu), ...parts]));
}
