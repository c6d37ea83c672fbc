// The flow table as its host sees it: read while lanes write, so that a figure may be a moment old.
import {
  FLOW_A,
  FLOW_B,
  FLOW_BYTES_A,
  FLOW_BYTES_B,
  FLOW_ENTRIES_BASE,
  FLOW_ENTRY_BYTES,
  FLOW_FAMILY,
  FLOW_HOPS,
  FLOW_L7,
  FLOW_LAST_SEEN,
  FLOW_PACKETS_A,
  FLOW_PACKETS_B,
  FLOW_PLANNED,
  FLOW_PORTS,
  FLOW_PROTOCOL,
  FLOW_RULE,
  FLOW_STATE,
  FLOW_TAGS_BASE,
  FLOW_WAYS,
  FlowState,
  type L7,
} from "@bunnel/abi";

/** Tags below this mark a place that is free or is being written. */
const TAG_FIRST = 3n;
const L7_BITS = 0x7f;

/** One end of a flow. */
export interface FlowEndpoint {
  /** 4 or 16 octets. */
  readonly address: Uint8Array;
  /** 0 where the protocol has none. */
  readonly port: number;
}

/** One flow, seen from the side that opened it. */
export interface FlowInfo {
  readonly family: 4 | 6;
  /** IP protocol number: 6 TCP, 17 UDP. */
  readonly protocol: number;
  readonly source: FlowEndpoint;
  readonly destination: FlowEndpoint;
  /** FlowState bits; for TCP alone. */
  readonly state: number;
  /** The kind of its last message. */
  readonly l7: L7;
  /** Index of the rule that decided; undefined: none has. */
  readonly rule: number | undefined;
  /** Messages that were planned; 255 and more are 255. */
  readonly planned: number;
  /** Hops to the other side, where its SYN,ACK told them. */
  readonly hops: number | undefined;
  readonly idleMs: number;
  /** Of the side that opened it, and of the other. */
  readonly packetsOut: number;
  readonly packetsIn: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
}

/** The flows of a table with so many buckets, as of `nowMs` of the lanes' clock; those seen last come first. */
export function readFlows(memory: SharedArrayBuffer, buckets: number, nowMs: number): FlowInfo[] {
  const tags = new BigUint64Array(memory, FLOW_TAGS_BASE, buckets * 8);
  const entries = new DataView(memory, FLOW_ENTRIES_BASE, buckets * 8 * FLOW_ENTRY_BYTES);
  const flows: FlowInfo[] = [];
  for (let bucket = 0; bucket < buckets; bucket++) {
    for (let way = 1; way <= FLOW_WAYS; way++) {
      const index = bucket * 8 + way;
      const tag = Atomics.load(tags, index);
      if (tag < TAG_FIRST) continue;
      const flow = readFlow(entries, index * FLOW_ENTRY_BYTES, nowMs);
      // Who took the place meanwhile has written another tag.
      if (Atomics.load(tags, index) === tag) flows.push(flow);
    }
  }
  return flows.toSorted((a, b) => a.idleMs - b.idleMs);
}

function readFlow(view: DataView, at: number, nowMs: number): FlowInfo {
  const family = view.getUint8(at + FLOW_FAMILY) === 6 ? 6 : 4;
  const ports = view.getUint32(at + FLOW_PORTS, true);
  const a = { address: readAddress(view, at + FLOW_A, family), port: ports >>> 16 };
  const b = { address: readAddress(view, at + FLOW_B, family), port: ports & 0xffff };
  const state = view.getUint8(at + FLOW_STATE);
  const isOpenedByB = (state & FlowState.OpenedByB) !== 0;
  const u32 = (offset: number): number => view.getUint32(at + offset, true);
  const rule = view.getUint16(at + FLOW_RULE, true);
  const hops = view.getUint8(at + FLOW_HOPS);
  const idle = (nowMs - u32(FLOW_LAST_SEEN)) | 0;
  return {
    family,
    protocol: view.getUint8(at + FLOW_PROTOCOL),
    source: isOpenedByB ? b : a,
    destination: isOpenedByB ? a : b,
    state,
    l7: view.getUint8(at + FLOW_L7) & L7_BITS,
    rule: rule === 0 ? undefined : rule - 1,
    planned: view.getUint8(at + FLOW_PLANNED),
    hops: hops === 0 ? undefined : hops,
    idleMs: Math.max(idle, 0),
    packetsOut: u32(isOpenedByB ? FLOW_PACKETS_B : FLOW_PACKETS_A),
    packetsIn: u32(isOpenedByB ? FLOW_PACKETS_A : FLOW_PACKETS_B),
    bytesOut: u32(isOpenedByB ? FLOW_BYTES_B : FLOW_BYTES_A),
    bytesIn: u32(isOpenedByB ? FLOW_BYTES_A : FLOW_BYTES_B),
  };
}

/** A copy: what lies there may be another flow's a moment later. */
function readAddress(view: DataView, at: number, family: 4 | 6): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, family === 4 ? 4 : 16).slice();
}
