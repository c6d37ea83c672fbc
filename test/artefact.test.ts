// The shipped module keeps its promises, and the check that says so can say no.
import { MEMORY_PAGES } from "@bunnel/abi";
import { debugFaults, releaseFaults } from "@bunnel/engine-wasm/promises";
import { inspectModule, SECTION_DATA, SECTION_DATA_COUNT, SECTION_START } from "@bunnel/engine-wasm/sections";
import { describe, expect, test } from "bun:test";
import { fileURLToPath } from "node:url";

const release = await read("@bunnel/engine-wasm/engine.wasm");
const debug = await read("@bunnel/engine-wasm/engine.debug.wasm");

describe("engine.wasm", () => {
  test("has no data section and no start section", () => {
    const { sections } = inspectModule(release);
    for (const id of [SECTION_DATA, SECTION_DATA_COUNT, SECTION_START]) expect(sections).not.toContain(id);
  });

  test("imports env.memory, shared and of a fixed size, and nothing else", () => {
    const memory = { initialPages: MEMORY_PAGES, maximumPages: MEMORY_PAGES, shared: true };
    expect(inspectModule(release).imports).toEqual([{ module: "env", name: "memory", kind: "memory", memory }]);
  });

  test("keeps every promise", () => {
    expect(releaseFaults(release)).toEqual([]);
  });
});

describe("engine.debug.wasm", () => {
  test("keeps its memory fixed and never allocates", () => {
    expect(debugFaults(debug)).toEqual([]);
  });

  test("exports what engine.wasm exports", () => {
    expect(inspectModule(debug).exports.toSorted()).toEqual(inspectModule(release).exports.toSorted());
  });
});

describe("releaseFaults()", () => {
  const good = section(2, [1, ...name("env"), ...name("memory"), 2, 3, ...leb(MEMORY_PAGES), ...leb(MEMORY_PAGES)]);

  test("finds nothing wrong with a module that only imports the memory", () => {
    expect(releaseFaults(moduleOf(good))).toEqual([]);
  });

  test.each([
    ["a data section", moduleOf(good, section(SECTION_DATA, [0])), "no data section"],
    ["a data count", moduleOf(good, section(SECTION_DATA_COUNT, [0])), "no data section"],
    ["a start section", moduleOf(good, section(SECTION_START, [0])), "no start section"],
    ["no import", moduleOf(), "the sole import env.memory"],
    ["a second import", moduleOf(good, section(2, [1, ...name("env"), ...name("abort"), 0, 0])), "the sole import"],
    ["a memory of another size", moduleOf(section(2, [1, ...name("env"), ...name("memory"), 2, 3, 1, 2])), "pages"],
    ["a memory that is not shared", moduleOf(section(2, [1, ...name("env"), ...name("memory"), 2, 1, 1, 1])), "pages"],
  ])("refuses %s", (_, bytes, words) => {
    expect(releaseFaults(bytes).join("\n")).toContain(words);
  });
});

describe("debugFaults()", () => {
  test("refuses a module whose names speak of the allocator", () => {
    const names = [...name("name"), ...new TextEncoder().encode("~lib/rt/stub/__alloc")];
    expect(debugFaults(moduleOf(section(0, names))).join("\n")).toContain("no allocation");
  });
});

describe("inspectModule()", () => {
  test("refuses bytes that are no module", () => {
    expect(() => inspectModule(new Uint8Array(8))).toThrow("expected the WebAssembly header");
  });

  test("refuses a section that is longer than the file", () => {
    expect(() => inspectModule(moduleOf([SECTION_DATA, 100]))).toThrow(RangeError);
  });

  test("reads exports and imports of every kind", () => {
    const imports = section(2, [
      5,
      ...[...name("a"), ...name("f"), 0, 7],
      ...[...name("a"), ...name("t"), 1, 0x70, 0, 1],
      ...[...name("a"), ...name("m"), 2, 0, 1],
      ...[...name("a"), ...name("g"), 3, 0x7f, 0],
      ...[...name("a"), ...name("x"), 4, 0, 0],
    ]);
    const shape = inspectModule(moduleOf(imports, section(7, [1, ...name("poll"), 0, 1])));
    expect(shape.imports.map(({ kind }) => kind)).toEqual(["function", "table", "memory", "global", "tag"]);
    expect(shape.exports).toEqual(["poll"]);
  });
});

async function read(specifier: string): Promise<Uint8Array> {
  return await Bun.file(fileURLToPath(import.meta.resolve(specifier))).bytes();
}

function moduleOf(...sections: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
}

function section(id: number, body: readonly number[]): number[] {
  return [id, ...leb(body.length), ...body];
}

function name(text: string): number[] {
  return [text.length, ...new TextEncoder().encode(text)];
}

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}
