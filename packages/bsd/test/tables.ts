// Tables of numbers that were computed from a system's own headers, as test data, and as numbers for the fake kernel,
// which shall know them from nowhere else.
import { readFileSync } from "node:fs";

/** One system's structs and constants. `source` names where they come from. */
export interface AbiTable {
  readonly target: string;
  readonly source: string;
  readonly structs: Readonly<Record<string, AbiStruct>>;
  readonly constants: Readonly<Record<string, { readonly value: number; readonly header: string }>>;
  readonly vectors: Readonly<Record<string, { readonly meaning: string; readonly hex: string }>>;
}

export interface AbiStruct {
  readonly size: number;
  readonly header: string;
  readonly fields: Readonly<Record<string, { readonly offset: number; readonly size: number }>>;
}

export function readTable(url: URL): AbiTable {
  return JSON.parse(readFileSync(url, "utf8")) as AbiTable;
}

/** @throws Error for a name that the table does not have: a test shall not compare with nothing */
export function constantOf(table: AbiTable, name: string): number {
  const constant = table.constants[name];
  if (!constant) throw new Error(`${name}: expected it in the table of ${table.target}, found nothing`);
  return constant.value;
}

export function structOf(table: AbiTable, name: string): AbiStruct {
  const struct = table.structs[name];
  if (!struct) throw new Error(`struct ${name}: expected it in the table of ${table.target}, found none`);
  return struct;
}

export function offsetOf(table: AbiTable, struct: string, field: string): number {
  const found = structOf(table, struct).fields[field];
  if (!found) throw new Error(`${struct}.${field}: expected it in the table of ${table.target}, found nothing`);
  return found.offset;
}

export function vectorOf(table: AbiTable, name: string): string {
  const vector = table.vectors[name];
  if (!vector) throw new Error(`vector ${name}: expected it in the table of ${table.target}, found none`);
  return vector.hex;
}

/** The table as a C header: N_ constants, S_ sizes, O_ offsets. `extra` is what the headers do not name. */
export function numbersHeader(table: AbiTable, extra: Readonly<Record<string, number>>): string {
  const lines = ["#pragma once"];
  const hex = (value: number) => (value < 0 ? `(${value})` : `0x${value.toString(16)}UL`);
  for (const [name, { value }] of Object.entries(table.constants)) lines.push(`#define N_${name} ${hex(value)}`);
  for (const [name, { size, fields }] of Object.entries(table.structs)) {
    lines.push(`#define S_${name} ${size}`);
    for (const [field, { offset }] of Object.entries(fields)) lines.push(`#define O_${name}_${field} ${offset}`);
  }
  for (const [name, value] of Object.entries(extra)) lines.push(`#define ${name} ${value}`);
  return `${lines.join("\n")}\n`;
}
