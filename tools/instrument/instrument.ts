// Puts probes into a module: each is one byte of its memory that tells whether, or how often, a place was reached.
// 1. find the code section   2. walk each body instruction by instruction   3. write it anew with probes between them
// A probe leaves the operand stack as it found it, so that it may stand between any two instructions.
import { inspectModule } from "@bunnel/engine-wasm/sections";
import { ByteCursor, signedLeb, unsignedLeb } from "./byte-cursor.ts";
import { OP_BR_IF, OP_ELSE, OP_END, OP_IF, OP_LOOP, skipInstruction } from "./instruction.ts";

/** What a probe stands behind; "statement": in front of an instruction that was asked for. */
export type ProbeKind = "entry" | "statement" | "loop" | "then" | "else" | "join" | "fallthrough";

export interface Probe {
  readonly kind: ProbeKind;
  /** Where in the plain module the instruction starts that the probe belongs to. */
  readonly offset: number;
}

export interface InstrumentOptions {
  /** Address of the first probe's byte; the module must never touch the range. */
  readonly base: number;
  /** Bytes of the range. */
  readonly room: number;
  /** "mark" sets the byte to 1, "count" adds 1 to it and runs over at 256. */
  readonly mode: "mark" | "count";
  /** Instructions, by their offset, that get a probe of their own. */
  readonly statements?: ReadonlySet<number>;
}

/** A module that works as before and reports where it was: probe `i` at `base + i`. */
export interface Instrumented {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly probes: readonly Probe[];
}

const MODULE_HEADER_BYTES = 8;
const SECTION_CODE = 10;

/** @throws RangeError when the probes do not fit into their room or the bytes end early */
export function instrument(module: Uint8Array, options: InstrumentOptions): Instrumented {
  // Refuses what is no module before anything is written.
  inspectModule(module);
  const writer = new ProbeWriter(module, options);
  const cursor = new ByteCursor(module, MODULE_HEADER_BYTES);
  const parts: Uint8Array[] = [module.subarray(0, MODULE_HEADER_BYTES)];
  while (cursor.at < module.length) {
    const start = cursor.at;
    const id = cursor.byte();
    const end = cursor.unsigned() + cursor.at;
    if (id === SECTION_CODE) {
      const body = writer.section(cursor);
      parts.push(Uint8Array.from([SECTION_CODE, ...unsignedLeb(body.length)]), body);
    } else {
      parts.push(module.subarray(start, end));
    }
    cursor.at = end;
  }
  const { probes } = writer;
  if (probes.length > options.room) {
    throw new RangeError(`probes: expected at most ${options.room}, found ${probes.length}`);
  }
  return { bytes: new Uint8Array(Buffer.concat(parts)), probes };
}

class ProbeWriter {
  readonly probes: Probe[] = [];
  constructor(
    private readonly module: Uint8Array,
    private readonly options: InstrumentOptions,
  ) {}

  /** The code section's content, with probes. */
  section(cursor: ByteCursor): Uint8Array {
    const functions = cursor.unsigned();
    const out = unsignedLeb(functions);
    for (let i = 0; i < functions; i++) {
      const bytes = cursor.unsigned();
      const body = this.#body(cursor, cursor.at + bytes);
      append(out, unsignedLeb(body.length));
      append(out, body);
    }
    return Uint8Array.from(out);
  }

  #body(cursor: ByteCursor, end: number): number[] {
    const start = cursor.at;
    for (let groups = cursor.unsigned(); groups > 0; groups--) {
      cursor.skipNumber();
      cursor.at += 1;
    }
    const out = [...this.module.subarray(start, cursor.at)];
    this.#probe(out, "entry", cursor.at);
    while (cursor.at < end) {
      const at = cursor.at;
      const op = skipInstruction(cursor);
      const isStatement = op !== OP_END && op !== OP_ELSE && this.options.statements?.has(at) === true;
      if (isStatement) this.#probe(out, "statement", at);
      append(out, this.module.subarray(at, cursor.at));
      const kind = cursor.at < end ? kindBehind(op) : undefined;
      if (kind !== undefined) this.#probe(out, kind, at);
    }
    return out;
  }

  #probe(out: number[], kind: ProbeKind, offset: number): void {
    const address = signedLeb(this.options.base + this.probes.length);
    this.probes.push({ kind, offset });
    const [i32Const, i32Load8, i32Add, i32Store8] = [0x41, 0x2d, 0x6a, 0x3a];
    append(out, [i32Const, ...address]);
    if (this.options.mode === "mark") append(out, [i32Const, 1]);
    else append(out, [i32Const, ...address, i32Load8, 0, 0, i32Const, 1, i32Add]);
    append(out, [i32Store8, 0, 0]);
  }
}

/** The places where control flow comes apart or together again. */
function kindBehind(op: number): ProbeKind | undefined {
  if (op === OP_LOOP) return "loop";
  if (op === OP_IF) return "then";
  if (op === OP_ELSE) return "else";
  if (op === OP_END) return "join";
  if (op === OP_BR_IF) return "fallthrough";
  return undefined;
}

function append(out: number[], bytes: Iterable<number>): void {
  for (const byte of bytes) out.push(byte);
}
