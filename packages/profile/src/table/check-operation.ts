// One operation of a table's strategy: a technique that the engine has, with all that it needs and nothing else.
import * as abi from "@bunnel/abi";
import { BADSEQ, TS } from "../notation/content.ts";
import { HELLO_FLAGS, SCALED, shapeOf, type OperationShape, type Range } from "./operation-shape.ts";
import { checkText, refuse } from "./refuse.ts";
import type { TableView } from "./view.ts";

const { Fooling, OpFlag, Technique } = abi;
const ZERO: Range = { min: 0, max: 0 };
const OCTET: Range = { min: 0, max: 255 };
const HOPS: Range = { min: 1, max: 255 };

/** Checks the operation at `at`, which belongs to a strategy for `l7`; gives its technique. */
export function checkOperation(view: TableView, thing: string, at: number, l7: number): number {
  const technique = view.u8(at + abi.OP_TECHNIQUE);
  const shape = shapeOf(technique, l7);
  if (!shape) refuse(`${thing} technique`, "one that there is", technique);
  if ((shape.kinds & (1 << l7)) === 0) refuse(`${thing} technique`, `one for messages of kind ${l7}`, technique);
  new Checker(view, thing, at, l7, technique, shape).check();
  return technique;
}

class Checker {
  constructor(
    private readonly view: TableView,
    private readonly thing: string,
    private readonly at: number,
    private readonly l7: number,
    private readonly technique: number,
    private readonly shape: OperationShape,
  ) {}

  check(): void {
    const { shape, view, at } = this;
    this.points();
    const flags = this.bits("flags", view.u8(at + abi.OP_FLAGS), shape.flags ?? 0);
    const foolings = this.bits("foolings", view.u16(at + abi.OP_FOOLINGS), shape.foolings ?? 0);
    this.foolings(foolings);
    this.within("repeats", view.u8(at + abi.OP_REPEATS), { min: 1, max: shape.isRepeated ? abi.REPEATS_MAX : 1 });
    this.decoy(flags);
    this.within("word", view.u16(at + abi.OP_WORD), shape.word ?? ZERO);
    this.own(flags);
    this.within("last octet", view.u8(at + abi.OP_AUTO_MAX + 1), ZERO);
  }

  private points(): void {
    const count = this.within("points", this.view.u8(this.at + abi.OP_POINT_COUNT), this.shape.points ?? ZERO);
    const foreign = this.l7 === abi.L7.Tls ? abi.Marker.Method : abi.Marker.SniExt;
    for (let index = 0; index < abi.POINTS_MAX; index += 1) {
      const at = this.at + abi.OP_POINTS + index * abi.POINT_BYTES;
      if (index >= count) {
        this.within(`point ${index}`, this.view.u32(at), ZERO);
        continue;
      }
      const marker = this.view.u8(at);
      if (marker > abi.Marker.SniExt || marker === foreign) {
        refuse(`${this.thing} point ${index} marker`, `0 to ${abi.Marker.SniExt} without ${foreign}`, marker);
      }
      this.within(`point ${index} spare octet`, this.view.u8(at + 1), ZERO);
    }
  }

  private foolings(foolings: number): void {
    const { view, at, shape } = this;
    const has = (bit: number) => (foolings & bit) !== 0;
    if (((shape.spoilt ?? 0) & (1 << this.l7)) !== 0 && foolings === 0) {
      refuse(`${this.thing} foolings`, "at least one", foolings);
    }
    if (has(Fooling.Ttl) && has(Fooling.AutoTtl)) {
      refuse(`${this.thing} foolings`, "either a hop limit or an automatic one", foolings);
    }
    const ttl = has(Fooling.Ttl) ? HOPS : has(Fooling.AutoTtl) ? OCTET : (shape.ttl ?? ZERO);
    this.within("ttl", view.u8(at + abi.OP_TTL), ttl);
    const most = this.within("most auto ttl", view.u8(at + abi.OP_AUTO_MAX), has(Fooling.AutoTtl) ? HOPS : ZERO);
    this.within("least auto ttl", view.u8(at + abi.OP_AUTO_MIN), has(Fooling.AutoTtl) ? { min: 1, max: most } : ZERO);
    if (!has(Fooling.AutoTtl)) this.within("auto ttl", view.u8(at + abi.OP_AUTO_DELTA), ZERO);
    this.within("time stamp", view.i32(at + abi.OP_TS_SHIFT), has(Fooling.Ts) ? TS : ZERO);
    const seq = view.i32(at + abi.OP_VALUE);
    if (has(Fooling.BadSeq)) {
      this.within("sequence number", seq, BADSEQ);
      return;
    }
    this.within("value", seq, shape.value ?? ZERO);
    this.within("second value", view.i32(at + abi.OP_VALUE2), ZERO);
  }

  private decoy(flags: number): void {
    const { view, at, shape } = this;
    const decoy = view.u8(at + abi.OP_DECOY);
    const decoys: readonly number[] = shape.decoys ?? [0];
    if (!decoys.includes(decoy)) refuse(`${this.thing} decoy`, decoys.join(" or "), decoy);
    const isNamed = shape.decoys !== undefined && decoy === abi.Decoy.Name;
    const isPayload = decoy === abi.Decoy.Payload;
    if (isNamed) this.bits("flags of a name", flags & HELLO_FLAGS, OpFlag.RandomName);
    else if (!isPayload) this.bits("flags without a hello", flags & HELLO_FLAGS, 0);
    const hasName = isNamed && (flags & OpFlag.RandomName) === 0;
    const bytes = view.u16(at + abi.OP_NAME_BYTES);
    const textAt = view.u32(at + abi.OP_NAME_AT);
    if (!hasName && !isPayload) {
      this.within("text size", bytes, ZERO);
      this.within("text", textAt, ZERO);
      return;
    }
    const most = hasName ? abi.HOST_MAX_BYTES : abi.PAYLOAD_MAX_BYTES;
    if (bytes < 1 || bytes > most) refuse(`${this.thing} text size`, `1 to ${most} octets`, bytes);
    checkText(view, `${this.thing} text`, textAt, bytes);
  }

  /** What holds for one technique alone. */
  private own(flags: number): void {
    const { view, at, thing } = this;
    const value = view.i32(at + abi.OP_VALUE);
    switch (this.technique) {
      case Technique.SeqOvl:
        if ((view.u8(at + abi.OP_POINT_COUNT) === 0) === (value === 0)) {
          refuse(`${thing} value`, "either octets or a point", value);
        }
        return;
      case Technique.Window:
        if ((SCALED & (1 << this.l7)) === 0) this.within("window scale", value, { min: -1, max: -1 });
        return;
      case Technique.IpFrag:
        if (value % 8 !== 0) refuse(`${thing} value`, "a multiple of 8", value);
        if (value === 0 && (flags & OpFlag.HopByHop) === 0) refuse(`${thing} value`, "from 8", value);
        return;
      case Technique.UdpLen:
        if (value === 0) refuse(`${thing} value`, "a number other than 0", value);
        if (value < 0) this.within("decoy", view.u8(at + abi.OP_DECOY), { min: abi.Decoy.Zeros, max: abi.Decoy.Zeros });
        return;
      case Technique.Redirect:
        this.resolver();
        return;
      case Technique.HttpTrick: {
        const both = abi.HttpTrick.HostCase | abi.HttpTrick.HostMixed;
        if ((value & both) === both) refuse(`${thing} value`, "one of the bits 1 and 2", value);
        return;
      }
      default:
    }
  }

  private resolver(): void {
    const { view, at, thing } = this;
    const bytes = view.u16(at + abi.OP_NAME_BYTES);
    if (bytes !== abi.RESOLVER_V4_BYTES && bytes !== abi.RESOLVER_V6_BYTES) {
      refuse(`${thing} resolver`, `${abi.RESOLVER_V4_BYTES} or ${abi.RESOLVER_V6_BYTES} octets`, bytes);
    }
    const portAt = view.u32(at + abi.OP_NAME_AT) + bytes - 2;
    if (view.u8(portAt) === 0 && view.u8(portAt + 1) === 0) refuse(`${thing} port`, "from 1", 0);
  }

  private within(what: string, found: number, { min, max }: Range): number {
    if (found >= min && found <= max) return found;
    return refuse(`${this.thing} ${what}`, min === max ? String(min) : `${min} to ${max}`, found);
  }

  private bits(what: string, found: number, allowed: number): number {
    if ((found & ~allowed) === 0) return found;
    return refuse(`${this.thing} ${what}`, `bits of ${allowed}`, found);
  }
}
