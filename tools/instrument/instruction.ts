// Where one instruction ends and the next begins (WebAssembly Core 2.0, section 5.4, and the threads proposal).
import type { ByteCursor } from "./byte-cursor.ts";

/** Instructions that open, split or close a block, or leave one. */
export const OP_BLOCK = 0x02;
export const OP_LOOP = 0x03;
export const OP_IF = 0x04;
export const OP_ELSE = 0x05;
export const OP_END = 0x0b;
export const OP_BR_IF = 0x0d;

const OP_BR = 0x0c;
const OP_BR_TABLE = 0x0e;
const OP_CALL = 0x10;
const OP_CALL_INDIRECT = 0x11;
const OP_SELECT_TYPED = 0x1c;
const OP_LOCAL_GET = 0x20;
const OP_TABLE_SET = 0x26;
const OP_LOAD_FIRST = 0x28;
const OP_STORE_LAST = 0x3e;
const OP_MEMORY_SIZE = 0x3f;
const OP_MEMORY_GROW = 0x40;
const OP_I32_CONST = 0x41;
const OP_I64_CONST = 0x42;
const OP_F32_CONST = 0x43;
const OP_F64_CONST = 0x44;
const OP_REF_NULL = 0xd0;
const OP_REF_FUNC = 0xd2;
const PREFIX_BULK = 0xfc;
const PREFIX_SIMD = 0xfd;
const PREFIX_ATOMIC = 0xfe;

/** A memory access with a memory number in it has this bit in its alignment (section 5.4.6 of version 3). */
const MEMARG_HAS_MEMORY = 0x40;

/** Steps over one instruction; returns its first byte. */
export function skipInstruction(cursor: ByteCursor): number {
  const op = cursor.byte();
  switch (op) {
    case PREFIX_BULK:
      skipBulk(cursor);
      break;
    case PREFIX_SIMD:
      skipSimd(cursor);
      break;
    case PREFIX_ATOMIC:
      skipAtomic(cursor);
      break;
    default:
      skipPlain(cursor, op);
  }
  return op;
}

function skipPlain(cursor: ByteCursor, op: number): void {
  if (op >= OP_LOAD_FIRST && op <= OP_STORE_LAST) return skipMemarg(cursor);
  if (op >= OP_LOCAL_GET && op <= OP_TABLE_SET) return cursor.skipNumber();
  switch (op) {
    case OP_BLOCK:
    case OP_LOOP:
    case OP_IF:
    case OP_BR:
    case OP_BR_IF:
    case OP_CALL:
    case OP_I32_CONST:
    case OP_I64_CONST:
    case OP_REF_NULL:
    case OP_REF_FUNC:
      return cursor.skipNumber();
    case OP_BR_TABLE:
      for (let labels = cursor.unsigned(); labels >= 0; labels--) cursor.skipNumber();
      return;
    case OP_CALL_INDIRECT:
      cursor.skipNumber();
      return cursor.skipNumber();
    case OP_SELECT_TYPED:
      for (let types = cursor.unsigned(); types > 0; types--) cursor.skipNumber();
      return;
    case OP_MEMORY_SIZE:
    case OP_MEMORY_GROW:
      cursor.at += 1;
      return;
    case OP_F32_CONST:
      cursor.at += 4;
      return;
    case OP_F64_CONST:
      cursor.at += 8;
      return;
    default:
  }
}

/** Saturating conversions have no operands; of the memory and table instructions some have one and some two. */
function skipBulk(cursor: ByteCursor): void {
  const op = cursor.unsigned();
  if (op < 8) return;
  cursor.skipNumber();
  const hasTwo = op === 8 || op === 10 || op === 12 || op === 14;
  if (hasTwo) cursor.skipNumber();
}

function skipSimd(cursor: ByteCursor): void {
  const op = cursor.unsigned();
  const isLoadOrStore = op <= 11 || op === 92 || op === 93;
  const isConstantOrShuffle = op === 12 || op === 13;
  const isLane = op >= 21 && op <= 34;
  const isLaneAccess = op >= 84 && op <= 91;
  if (isLoadOrStore || isLaneAccess) skipMemarg(cursor);
  if (isConstantOrShuffle) cursor.at += 16;
  if (isLane || isLaneAccess) cursor.at += 1;
}

/** `atomic.fence` has one zero byte, every other one is a memory access. */
function skipAtomic(cursor: ByteCursor): void {
  if (cursor.unsigned() === 3) cursor.at += 1;
  else skipMemarg(cursor);
}

function skipMemarg(cursor: ByteCursor): void {
  if ((cursor.unsigned() & MEMARG_HAS_MEMORY) !== 0) cursor.skipNumber();
  cursor.skipNumber();
}
