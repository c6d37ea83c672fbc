// One operation of a strategy to its 64 octets.
import * as abi from "@bunnel/abi";
import { parseAddress } from "@bunnel/wire";
import { ProfileError } from "../errors.ts";
import type { Decoy, Foolings, HelloChanges, Pattern, Payload } from "../notation/content.ts";
import type { Point } from "../notation/kinds.ts";
import type { Doh, PacketOperation, Redirect, SynData } from "../notation/strategy.ts";
import { payloadOctets, type PayloadSource } from "../payload/build.ts";
import type { Texts } from "./texts.ts";
import {
  bitsOf,
  CHANGE_FLAGS,
  FOOLING_BITS,
  ID_SCHEMES,
  POINT_MARKERS,
  TECHNIQUES,
  TRICK_BITS,
  wordsIn,
} from "./words.ts";

/** Writes the operation at `at`, which is all zeros so far; what belongs into the text goes there. */
export function writeOperation(
  view: DataView,
  at: number,
  operation: PacketOperation,
  texts: Texts,
  payloads: PayloadSource,
): void {
  new OperationWriter(view, at, texts, payloads).write(operation);
}

class OperationWriter {
  constructor(
    private readonly view: DataView,
    private readonly at: number,
    private readonly texts: Texts,
    private readonly payloads: PayloadSource,
  ) {}

  write(operation: PacketOperation): void {
    this.u8(abi.OP_TECHNIQUE, TECHNIQUES[operation.technique]);
    this.u8(abi.OP_REPEATS, "repeats" in operation ? operation.repeats : 1);
    if ("foolings" in operation) this.foolings(operation.foolings);
    if ("pattern" in operation) this.pattern(operation.pattern);
    if ("points" in operation) this.points(operation.technique, operation.points);
    if (operation.technique === "redirect") this.resolver(operation);
    else if (operation.technique !== "doh") this.own(operation);
  }

  /** What a technique has besides what several have. */
  private own(operation: Exclude<PacketOperation, Doh | Redirect>): void {
    switch (operation.technique) {
      case "fake":
        this.decoy(operation.decoy);
        if (operation.after) this.flag(abi.OpFlag.After);
        return;
      case "seqovl":
        if (typeof operation.overlap === "number") this.i32(abi.OP_VALUE, operation.overlap);
        else this.points(operation.technique, [operation.overlap]);
        if (operation.second) this.flag(abi.OpFlag.OverlapSecond);
        return;
      case "hostfakesplit":
        if (operation.name === undefined) this.flag(abi.OpFlag.RandomName);
        else this.text(this.texts.add(operation.name), operation.name.length);
        if (operation.midhost) this.flag(abi.OpFlag.MidHost);
        return;
      case "syndata":
        this.payload(operation.payload);
        return;
      case "rst":
        if (operation.ack) this.flag(abi.OpFlag.RstAck);
        if (operation.after) this.flag(abi.OpFlag.After);
        return;
      case "window":
      case "mss":
        this.u16(abi.OP_WORD, operation.bytes);
        if (operation.technique === "window") this.i32(abi.OP_VALUE, operation.scale ?? -1);
        return;
      case "ipfrag":
        this.i32(abi.OP_VALUE, operation.bytes ?? 0);
        if (operation.hopbyhop) this.flag(abi.OpFlag.HopByHop);
        return;
      case "udplen":
        this.i32(abi.OP_VALUE, operation.bytes);
        return;
      case "httphost":
        this.i32(abi.OP_VALUE, bitsOf(TRICK_BITS, operation.tricks));
        return;
      case "ipid":
        this.i32(abi.OP_VALUE, ID_SCHEMES[operation.scheme]);
        return;
      case "delay":
        this.u16(abi.OP_WORD, operation.ms);
        this.i32(abi.OP_VALUE, operation.jitterMs);
        return;
      case "ttl":
        this.u8(abi.OP_TTL, operation.hops);
        return;
      case "tos":
        this.i32(abi.OP_VALUE, operation.octet);
        return;
      case "split":
      case "disorder":
      case "fakedsplit":
      case "synack":
      case "drop":
      case "dup":
    }
  }

  private foolings(foolings: Foolings): void {
    const { ttl, autoTtl, badseq, ts } = foolings;
    const words = (Object.keys(FOOLING_BITS) as (keyof typeof FOOLING_BITS)[]).filter((word) => foolings[word]);
    // A hop limit beside an automatic one stands in where no distance is known, and is no fooling of its own.
    const mask = autoTtl
      ? (bitsOf(FOOLING_BITS, words) & ~abi.Fooling.Ttl) | abi.Fooling.AutoTtl
      : bitsOf(FOOLING_BITS, words);
    this.u16(abi.OP_FOOLINGS, mask);
    this.u8(abi.OP_TTL, ttl ?? 0);
    if (autoTtl) {
      this.view.setInt8(this.at + abi.OP_AUTO_DELTA, autoTtl.delta);
      this.u8(abi.OP_AUTO_MIN, autoTtl.min);
      this.u8(abi.OP_AUTO_MAX, autoTtl.max);
    }
    if (badseq) {
      this.i32(abi.OP_VALUE, badseq.seq);
      this.i32(abi.OP_VALUE2, badseq.ack);
    }
    this.i32(abi.OP_TS_SHIFT, ts ?? 0);
  }

  private decoy(decoy: Decoy): void {
    switch (decoy.content) {
      case "name":
        this.u8(abi.OP_DECOY, abi.Decoy.Name);
        this.text(this.texts.add(decoy.name), decoy.name.length);
        return;
      case "random name":
        this.u8(abi.OP_DECOY, abi.Decoy.Name);
        this.flag(abi.OpFlag.RandomName);
        return;
      case "zeros":
      case "random":
        this.pattern(decoy);
        return;
      case "payload":
        this.payload(decoy.payload);
        this.flag(bitsOf(CHANGE_FLAGS, wordsOfChanges(decoy)));
    }
  }

  private pattern(pattern: Pattern): void {
    if (pattern.content === "payload") this.payload(pattern.payload);
    else this.u8(abi.OP_DECOY, pattern.content === "zeros" ? abi.Decoy.Zeros : abi.Decoy.Random);
  }

  private payload(payload: Payload | SynData["payload"]): void {
    const octets = payloadOctets(payload, this.payloads);
    this.u8(abi.OP_DECOY, abi.Decoy.Payload);
    this.text(this.texts.addOctets(octets), octets.length);
  }

  private resolver({ address, port }: Redirect): void {
    const octets = parseAddress(address);
    const row = Uint8Array.from([...octets, port >> 8, port & 0xff]);
    this.u8(abi.OP_DECOY, abi.Decoy.Payload);
    this.text(this.texts.addOctets(row), row.length);
  }

  private text(textAt: number, bytes: number): void {
    this.view.setUint32(this.at + abi.OP_NAME_AT, textAt, true);
    this.u16(abi.OP_NAME_BYTES, bytes);
  }

  private points(technique: string, points: readonly Point[]): void {
    if (points.length > abi.POINTS_MAX) {
      const message = `${technique}: expected at most ${abi.POINTS_MAX} points, found ${points.length}`;
      throw new ProfileError("E_RULES_LIMIT", [{ message }], "rule table");
    }
    this.u8(abi.OP_POINT_COUNT, points.length);
    for (const [index, { marker, offset }] of points.entries()) {
      const pointAt = this.at + abi.OP_POINTS + index * abi.POINT_BYTES;
      this.view.setUint8(pointAt, POINT_MARKERS[marker]);
      this.view.setInt16(pointAt + 2, offset, true);
    }
  }

  private flag(bits: number): void {
    this.u8(abi.OP_FLAGS, this.view.getUint8(this.at + abi.OP_FLAGS) | bits);
  }

  private u8(field: number, value: number): void {
    this.view.setUint8(this.at + field, value);
  }

  private u16(field: number, value: number): void {
    this.view.setUint16(this.at + field, value, true);
  }

  private i32(field: number, value: number): void {
    this.view.setInt32(this.at + field, value, true);
  }
}

function wordsOfChanges(changes: HelloChanges): readonly (keyof HelloChanges)[] {
  return wordsIn(CHANGE_FLAGS, ~0).filter((word) => changes[word]);
}
