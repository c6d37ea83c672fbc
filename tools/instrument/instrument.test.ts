import { describe, expect, test } from "bun:test";
import { MEMORY_PAGES } from "@bunnel/abi";
import { Engine } from "@bunnel/engine";
import { readFileSync } from "node:fs";
import {
  ByteCursor,
  DEBUG_MAP_PATH,
  DEBUG_PATH,
  instrument,
  PROBE_BASE,
  PROBE_ROOM,
  readSourceMap,
  RELEASE_PATH,
  signedLeb,
  unsignedLeb,
} from "./index.ts";

const ROOM = { base: PROBE_BASE, room: PROBE_ROOM } as const;

describe("numbers", () => {
  test.each([0, 1, 127, 128, 8192, 65535, 0x7fff_ffff, 0xffff_ffff])("unsignedLeb(%d) is read back", (value) => {
    const cursor = new ByteCursor(Uint8Array.from([...unsignedLeb(value), 9]));
    expect(cursor.unsigned()).toBe(value);
    expect(cursor.byte()).toBe(9);
  });

  test("signedLeb() keeps the sign bit free", () => {
    expect(signedLeb(63)).toEqual([63]);
    expect(signedLeb(64)).toEqual([0xc0, 0]);
    expect(signedLeb(-1)).toEqual([0x7f]);
    expect(signedLeb(8192)).toEqual([0x80, 0xc0, 0]);
  });

  test("ByteCursor refuses to read past the end", () => {
    expect(() => new ByteCursor(Uint8Array.of(0x80)).unsigned()).toThrow(RangeError);
  });
});

describe("instrument()", () => {
  test.each([
    ["release", RELEASE_PATH, "count"],
    ["debug", DEBUG_PATH, "mark"],
  ] as const)("makes a valid module of the %s build, atomics and SIMD included", (_build, path, mode) => {
    const plain = new Uint8Array(readFileSync(path));
    const { bytes, probes } = instrument(plain, { ...ROOM, mode });
    expect(WebAssembly.validate(bytes)).toBe(true);
    expect(probes.filter(({ kind }) => kind === "entry").length).toBeGreaterThan(10);
    expect(bytes.length).toBeGreaterThan(plain.length);
  });

  test("refuses more probes than there is room for", () => {
    const plain = new Uint8Array(readFileSync(RELEASE_PATH));
    expect(() => instrument(plain, { base: PROBE_BASE, room: 4, mode: "mark" })).toThrow("probes: expected at most 4");
  });

  test("refuses what is no module", () => {
    expect(() => instrument(new Uint8Array(20), { ...ROOM, mode: "mark" })).toThrow("module");
  });
});

test("the range of the probes is spare: nothing that the engine or its host wipes takes marks away", async () => {
  const { bytes } = instrument(new Uint8Array(readFileSync(RELEASE_PATH)), { ...ROOM, mode: "mark" });
  const module = await WebAssembly.compile(bytes);
  const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES, shared: true });
  const engine = Engine.attach({ module, memory, table: { buckets: 4, seed: 1n } });
  const marks = new Uint8Array(memory.buffer, PROBE_BASE, PROBE_ROOM).fill(7);
  engine.reset();
  expect(marks.every((mark) => mark === 7)).toBe(true);
  engine.lane(0).poll(0, 0, 0);
  expect(marks.filter((mark) => mark === 1).length).toBeGreaterThan(2);
  expect(marks.every((mark) => mark === 7 || mark === 1)).toBe(true);
});

describe("readSourceMap()", () => {
  test("adds up offsets, files and lines", () => {
    const map = { version: 3, sources: ["a.ts", "b.ts"], names: [], mappings: "QAAA,IAEC,CCDD,G" };
    expect(readSourceMap(JSON.stringify(map))).toEqual([
      { offset: 8, file: "a.ts", line: 1 },
      { offset: 12, file: "a.ts", line: 3 },
      { offset: 13, file: "b.ts", line: 2 },
    ]);
  });

  test("knows places of the engine's own files", () => {
    const files = new Set(readSourceMap(readFileSync(DEBUG_MAP_PATH, "utf8")).map(({ file }) => file));
    expect(files).toContain("assembly/process.ts");
  });
});
