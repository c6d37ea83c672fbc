// C structs as data: a layout is declared once, with the offsets of the system's header; it encodes and decodes.
// Numbers are little-endian unless the type says `be`, as on every machine that Bun runs on.
import { cString, fromCString } from "./c-string.ts";

type NumberType = "u8" | "i8" | "u16" | "i16" | "u32" | "i32" | "be16" | "be32";
type BigType = "u64" | "i64" | "be64";

/** A field: its octet offset and type. `text` is NUL-padded; `octets` are taken as they are. */
export type StructField =
  | { readonly at: number; readonly type: NumberType | BigType }
  | { readonly at: number; readonly type: "text" | "octets"; readonly bytes: number };

export type StructFields = Readonly<Record<string, StructField>>;

type ValueOf<F extends StructField> = F["type"] extends NumberType
  ? number
  : F["type"] extends BigType
    ? bigint
    : F["type"] extends "text"
      ? string
      : Uint8Array;

export type StructValues<F extends StructFields> = { -readonly [K in keyof F]: ValueOf<F[K]> };

type Value = number | bigint | string | Uint8Array;

const WIDTHS: Readonly<Record<NumberType | BigType, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  be16: 2,
  be32: 4,
  u64: 8,
  i64: 8,
  be64: 8,
};

/** A struct of `bytes` octets with named fields; what no field covers is zero when encoded and ignored when decoded. */
export class Struct<const F extends StructFields> {
  constructor(
    readonly name: string,
    readonly bytes: number,
    readonly fields: F,
  ) {
    for (const [field, layout] of Object.entries(fields)) {
      const end = layout.at + widthOf(layout);
      if (layout.at < 0 || end > bytes)
        throw new RangeError(`${name}.${field}: ends at ${end}, the struct has ${bytes}`);
    }
  }

  /**
   * A new buffer with the given fields; those left out are zero.
   * @throws RangeError when a value does not fit its field
   */
  encode(values: Partial<StructValues<F>>): Uint8Array {
    const octets = new Uint8Array(new ArrayBuffer(this.bytes));
    for (const [field, value] of Object.entries(values)) {
      const layout = this.fields[field];
      if (!layout) throw new RangeError(`${this.name}.${field}: no such field`);
      if (value !== undefined) write(octets, layout, value as Value, `${this.name}.${field}`);
    }
    return octets;
  }

  /** @throws RangeError when fewer octets are given than the struct has */
  decode(octets: Uint8Array): StructValues<F> {
    if (octets.length < this.bytes) {
      throw new RangeError(`${this.name}: expected ${this.bytes} octets, found ${octets.length}`);
    }
    const values: Record<string, Value> = {};
    for (const [field, layout] of Object.entries(this.fields)) values[field] = read(octets, layout);
    return values as StructValues<F>;
  }
}

function widthOf(field: StructField): number {
  return "bytes" in field ? field.bytes : WIDTHS[field.type];
}

function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}

function write(octets: Uint8Array, field: StructField, value: Value, name: string): void {
  if (field.type === "text" || field.type === "octets") {
    const content = typeof value === "string" ? cString(value) : (value as Uint8Array);
    if (content.length > field.bytes) {
      throw new RangeError(`${name}: expected at most ${field.bytes} octets, found ${content.length}`);
    }
    octets.set(content, field.at);
    return;
  }
  const view = viewOf(octets);
  const width = WIDTHS[field.type];
  const big = BigInt(value as number | bigint);
  const signed = field.type.startsWith("i");
  const fits = (signed ? BigInt.asIntN(width * 8, big) : BigInt.asUintN(width * 8, big)) === big;
  if (!fits) throw new RangeError(`${name}: expected a number of type ${field.type}, found ${big}`);
  const little = !field.type.startsWith("be");
  if (width === 8) view.setBigUint64(field.at, BigInt.asUintN(64, big), little);
  else if (width === 4) view.setUint32(field.at, Number(BigInt.asUintN(32, big)), little);
  else if (width === 2) view.setUint16(field.at, Number(BigInt.asUintN(16, big)), little);
  else view.setUint8(field.at, Number(BigInt.asUintN(8, big)));
}

function read(octets: Uint8Array, field: StructField): Value {
  const view = viewOf(octets);
  const at = field.at;
  switch (field.type) {
    case "u8":
      return view.getUint8(at);
    case "i8":
      return view.getInt8(at);
    case "u16":
      return view.getUint16(at, true);
    case "i16":
      return view.getInt16(at, true);
    case "u32":
      return view.getUint32(at, true);
    case "i32":
      return view.getInt32(at, true);
    case "be16":
      return view.getUint16(at);
    case "be32":
      return view.getUint32(at);
    case "u64":
      return view.getBigUint64(at, true);
    case "i64":
      return view.getBigInt64(at, true);
    case "be64":
      return view.getBigUint64(at);
    case "text":
      return fromCString(octets.subarray(at, at + field.bytes));
    case "octets":
      return octets.slice(at, at + field.bytes);
  }
}
