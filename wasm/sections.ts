// What a WebAssembly module is made of, read without running it (WebAssembly Core 2.0, section 5.5 "Modules").

const MAGIC_BYTES = 8;
/** "\0asm" and version 1, as two little-endian words. */
const MAGIC = 0x6d736100;
const VERSION = 1;

/** Section numbers of the binary format that the engine's promises speak of. */
export const SECTION_CUSTOM = 0;
export const SECTION_IMPORT = 2;
export const SECTION_EXPORT = 7;
export const SECTION_START = 8;
export const SECTION_DATA = 11;
export const SECTION_DATA_COUNT = 12;

const KIND_NAMES = ["function", "table", "memory", "global", "tag"] as const;
const KIND_FUNCTION = 0;
const KIND_TABLE = 1;
const KIND_MEMORY = 2;
const KIND_GLOBAL = 3;
const KIND_TAG = 4;

/** The bounds of a memory; `maximumPages` is undefined where the module names none. */
export interface MemoryLimits {
  readonly initialPages: number;
  readonly maximumPages: number | undefined;
  readonly shared: boolean;
}

/** One import: `env.memory` has the module `env` and the name `memory`. */
export interface ModuleImport {
  readonly module: string;
  readonly name: string;
  readonly kind: (typeof KIND_NAMES)[number];
  /** Set for memories only. */
  readonly memory?: MemoryLimits;
}

/** What `inspectModule` found. */
export interface ModuleShape {
  /** Section numbers in the order of the file. */
  readonly sections: readonly number[];
  readonly imports: readonly ModuleImport[];
  readonly exports: readonly string[];
}

/**
 * Reads a module's sections, imports and exports.
 * @throws RangeError where the bytes end early, Error where they are no module
 */
export function inspectModule(bytes: Uint8Array): ModuleShape {
  const reader = new Reader(bytes);
  if (bytes.length < MAGIC_BYTES || reader.word() !== MAGIC || reader.word() !== VERSION) {
    throw new Error("module: expected the WebAssembly header of version 1, found other bytes");
  }
  const sections: number[] = [];
  const imports: ModuleImport[] = [];
  const exports: string[] = [];
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const size = reader.leb();
    const end = reader.at + size;
    if (end > bytes.length) throw new RangeError(`section ${id}: expected ${size} bytes, found the end of the file`);
    sections.push(id);
    if (id === SECTION_IMPORT) readMany(reader, () => imports.push(readImport(reader)));
    if (id === SECTION_EXPORT) readMany(reader, () => exports.push(readExport(reader)));
    reader.at = end;
  }
  return { sections, imports, exports };
}

function readMany(reader: Reader, readOne: () => void): void {
  const count = reader.leb();
  for (let index = 0; index < count; index++) readOne();
}

function readImport(reader: Reader): ModuleImport {
  const module = reader.name();
  const name = reader.name();
  const kind = reader.byte();
  const kindName = KIND_NAMES[kind];
  if (kindName === undefined) throw new Error(`import ${module}.${name}: expected a kind below 5, found ${kind}`);
  if (kind === KIND_MEMORY) return { module, name, kind: kindName, memory: readLimits(reader) };
  if (kind === KIND_FUNCTION) reader.leb();
  if (kind === KIND_TABLE) {
    reader.byte();
    readLimits(reader);
  }
  if (kind === KIND_GLOBAL) reader.at += 2;
  if (kind === KIND_TAG) {
    reader.byte();
    reader.leb();
  }
  return { module, name, kind: kindName };
}

function readLimits(reader: Reader): MemoryLimits {
  const flags = reader.leb();
  const initialPages = reader.leb();
  const maximumPages = (flags & 1) === 0 ? undefined : reader.leb();
  return { initialPages, maximumPages, shared: (flags & 2) !== 0 };
}

function readExport(reader: Reader): string {
  const name = reader.name();
  reader.byte();
  reader.leb();
  return name;
}

/** A cursor; every step that would pass the end throws. */
class Reader {
  at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new RangeError(`module: expected a byte at ${this.at - 1}, found the end`);
    return value;
  }

  word(): number {
    return this.byte() | (this.byte() << 8) | (this.byte() << 16) | (this.byte() << 24);
  }

  /** An unsigned LEB128 number of at most 32 bits (section 5.2.2). */
  leb(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const next = this.byte();
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return value >>> 0;
    }
    throw new Error(`module: expected a number of at most five bytes at ${this.at - 5}, found a longer one`);
  }

  name(): string {
    const length = this.leb();
    const start = this.at;
    this.at += length;
    if (this.at > this.bytes.length) throw new RangeError(`module: expected a name of ${length} bytes, found the end`);
    return new TextDecoder().decode(this.bytes.subarray(start, this.at));
  }
}
