// One operation of a rule table to plain data. Payloads come back as octets: what they were built of is forgotten.
import * as abi from "@bunnel/abi";
import { formatAddress } from "@bunnel/wire";
import type { Decoy, Foolings, HelloChanges, Pattern, Payload } from "../notation/content.ts";
import type { Point } from "../notation/kinds.ts";
import type { PacketOperation, PacketTechniqueName } from "../notation/strategy.ts";
import type { TableView } from "./view.ts";
import { CHANGE_FLAGS, ID_SCHEMES, POINT_MARKERS, TECHNIQUES, TRICK_BITS, wordOf, wordsIn } from "./words.ts";

/** The operation at `at` of a checked table. */
export function decodeOperation(view: TableView, at: number): PacketOperation {
  const technique = wordOf(TECHNIQUES, view.u8(at + abi.OP_TECHNIQUE)) ?? "drop";
  return DECODERS[technique](new OperationView(view, at));
}

const DECODERS: {
  readonly [Name in PacketTechniqueName]: (op: OperationView) => Extract<PacketOperation, { technique: Name }>;
} = {
  split: ({ points }) => ({ technique: "split", points }),
  disorder: () => ({ technique: "disorder" }),
  fake: ({ decoy, foolings, repeats, after }) => ({ technique: "fake", decoy, foolings, repeats, after }),
  seqovl: (op) => ({
    technique: "seqovl",
    overlap: op.points[0] ?? op.value,
    second: op.has(abi.OpFlag.OverlapSecond),
    pattern: op.pattern,
  }),
  fakedsplit: ({ points, pattern, foolings, repeats }) => {
    return { technique: "fakedsplit", points, pattern, foolings, repeats };
  },
  hostfakesplit: (op) => ({
    technique: "hostfakesplit",
    ...(!op.has(abi.OpFlag.RandomName) && { name: op.text }),
    midhost: op.has(abi.OpFlag.MidHost),
    foolings: op.foolings,
    repeats: op.repeats,
  }),
  syndata: ({ payload }) => ({ technique: "syndata", payload }),
  synack: ({ foolings, repeats }) => ({ technique: "synack", foolings, repeats }),
  rst: (op) => ({
    technique: "rst",
    ack: op.has(abi.OpFlag.RstAck),
    foolings: op.foolings,
    repeats: op.repeats,
    after: op.after,
  }),
  window: ({ word, value }) => ({ technique: "window", bytes: word, ...(value >= 0 && { scale: value }) }),
  mss: ({ word }) => ({ technique: "mss", bytes: word }),
  ipfrag: (op) => ({
    technique: "ipfrag",
    ...(op.value > 0 && { bytes: op.value }),
    hopbyhop: op.has(abi.OpFlag.HopByHop),
  }),
  udplen: ({ value, pattern }) => ({ technique: "udplen", bytes: value, pattern }),
  drop: () => ({ technique: "drop" }),
  httphost: ({ value }) => ({ technique: "httphost", tricks: wordsIn(TRICK_BITS, value) }),
  ipid: ({ value }) => ({ technique: "ipid", scheme: wordOf(ID_SCHEMES, value) ?? "seq" }),
  dup: ({ repeats }) => ({ technique: "dup", repeats }),
  delay: ({ word, value }) => ({ technique: "delay", ms: word, jitterMs: value }),
  ttl: ({ ttl }) => ({ technique: "ttl", hops: ttl }),
  tos: ({ value }) => ({ technique: "tos", octet: value }),
  doh: () => ({ technique: "doh" }),
  redirect: ({ octets }) => {
    const port = ((octets.at(-2) ?? 0) << 8) | (octets.at(-1) ?? 0);
    return { technique: "redirect", address: formatAddress(octets.slice(0, -2)), port };
  },
};

/** An operation seen in place. */
class OperationView {
  constructor(
    private readonly view: TableView,
    private readonly at: number,
  ) {}

  get repeats(): number {
    return this.view.u8(this.at + abi.OP_REPEATS);
  }

  get ttl(): number {
    return this.view.u8(this.at + abi.OP_TTL);
  }

  get word(): number {
    return this.view.u16(this.at + abi.OP_WORD);
  }

  get value(): number {
    return this.view.i32(this.at + abi.OP_VALUE);
  }

  get after(): boolean {
    return this.has(abi.OpFlag.After);
  }

  has(flag: abi.OpFlag): boolean {
    return (this.view.u8(this.at + abi.OP_FLAGS) & flag) !== 0;
  }

  get foolings(): Foolings {
    const { view, at, ttl } = this;
    const mask = view.u16(at + abi.OP_FOOLINGS);
    const has = (fooling: abi.Fooling) => (mask & fooling) !== 0;
    const autoTtl = {
      delta: view.i8(at + abi.OP_AUTO_DELTA),
      min: view.u8(at + abi.OP_AUTO_MIN),
      max: view.u8(at + abi.OP_AUTO_MAX),
    };
    return {
      ...(ttl !== 0 && { ttl }),
      ...(has(abi.Fooling.AutoTtl) && { autoTtl }),
      ...(has(abi.Fooling.BadSum) && { badsum: true }),
      ...(has(abi.Fooling.BadSeq) && { badseq: { seq: this.value, ack: view.i32(at + abi.OP_VALUE2) } }),
      ...(has(abi.Fooling.Md5Sig) && { md5sig: true }),
      ...(has(abi.Fooling.DataNoAck) && { datanoack: true }),
      ...(has(abi.Fooling.Ts) && { ts: view.i32(at + abi.OP_TS_SHIFT) }),
      ...(has(abi.Fooling.DataOffset) && { dataofs: true }),
    };
  }

  get decoy(): Decoy {
    const { pattern } = this;
    if (this.view.u8(this.at + abi.OP_DECOY) === abi.Decoy.Name) {
      return this.has(abi.OpFlag.RandomName) ? { content: "random name" } : { content: "name", name: this.text };
    }
    if (pattern.content !== "payload") return pattern;
    const has = (word: keyof HelloChanges) => this.has(CHANGE_FLAGS[word]);
    return { ...pattern, rndsni: has("rndsni"), dupsid: has("dupsid"), padencap: has("padencap") };
  }

  get pattern(): Pattern {
    const decoy = this.view.u8(this.at + abi.OP_DECOY);
    if (decoy === abi.Decoy.Payload) return { content: "payload", payload: this.payload };
    return { content: decoy === abi.Decoy.Random ? "random" : "zeros" };
  }

  get payload(): Payload {
    return { source: "octets", hex: this.octets.toHex() };
  }

  get octets(): Uint8Array {
    const from = this.view.u32(this.at + abi.OP_NAME_AT);
    return this.view.octets.slice(from, from + this.textBytes);
  }

  get text(): string {
    return this.view.text(this.view.u32(this.at + abi.OP_NAME_AT), this.textBytes);
  }

  private get textBytes(): number {
    return this.view.u16(this.at + abi.OP_NAME_BYTES);
  }

  get points(): readonly Point[] {
    return Array.from({ length: this.view.u8(this.at + abi.OP_POINT_COUNT) }, (_, index) => {
      const pointAt = this.at + abi.OP_POINTS + index * abi.POINT_BYTES;
      return { marker: wordOf(POINT_MARKERS, this.view.u8(pointAt)) ?? "absolute", offset: this.view.i16(pointAt + 2) };
    });
  }
}
