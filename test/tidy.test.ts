// The sources are as the house wants them; and each rule of tidy is shown to bite, on trees that exist only here.
import { type Finding, readTree, rules, show, type Tree } from "@bunnel/tools/tidy";
import { describe, expect, test } from "bun:test";
import { dirname } from "node:path";

describe("the repository", () => {
  const tree = readTree(dirname(import.meta.dirname));

  test("readTree() sees the sources and nothing that was built or installed", () => {
    const paths = [...tree.keys()];
    expect(paths).toContain("packages/abi/src/index.ts");
    expect(paths).toContain("test/tidy.test.ts");
    expect(paths.filter((path) => path.includes("node_modules/") || path.endsWith(".wasm"))).toEqual([]);
  });

  test.each([...rules.keys()])("keeps the rule %s", (name) => {
    expect(findingsOf(name, tree).map(show)).toEqual([]);
  });
});

/** A tree that breaks no rule; each case below spoils one thing in it. */
const sound: Readonly<Record<string, string>> = {
  "package.json": manifest("bunnel-monorepo", { private: true, workspaces: { catalog: { "fast-check": "4.10.2" } } }),
  "packages/abi/package.json": manifest("@bunnel/abi"),
  "packages/abi/README.md": "# abi\n",
  "packages/wire/package.json": manifest("@bunnel/wire", {
    dependencies: { "@bunnel/abi": "workspace:*" },
    devDependencies: { "fast-check": "catalog:" },
  }),
  "packages/wire/README.md": "# wire\n",
  "packages/wire/src/tcp.ts": 'import { RX_MAX } from "@bunnel/abi";\nexport const a = RX_MAX;\n',
  "packages/device/package.json": manifest("@bunnel/device", { dependencies: { "left-pad": "1.3.0" } }),
  "packages/device/README.md": "left-pad: pads.\n",
  "packages/device/src/device.ts": '// import "@bunnel/engine" and WebAssembly\nexport const text = "bun:ffi";\n',
  "packages/engine/package.json": manifest("@bunnel/engine"),
  "packages/engine/README.md": "# engine\n",
  "packages/engine/src/module.ts": "export const compile = WebAssembly.compile;\n",
  "packages/tun-linux/package.json": manifest("@bunnel/tun-linux"),
  "packages/tun-linux/README.md": "# tun-linux\n",
  "packages/tun-linux/src/sys.ts": 'import { dlopen } from "bun:ffi";\nexport const open = dlopen;\n',
  "wasm/package.json": manifest("@bunnel/engine-wasm"),
  "wasm/README.md": "# wasm\n",
  "wasm/assembly/wire/tcp.ts": 'import { lane } from "../mem/lane";\nexport const a = lane;\n',
  ".changeset/README.md": "# changesets\n",
  ".changeset/first.md": '---\n"@bunnel/wire": minor\n---\n\nReads packets.\n',
};

test("every rule finds nothing in a sound tree", () => {
  for (const name of rules.keys()) expect(findingsOf(name, treeOf({})).map(show)).toEqual([]);
});

describe("levels", () => {
  cases("levels", [
    ["an import of a sibling", { "packages/wire/src/a.ts": 'import "@bunnel/device";\n' }, "@bunnel/device"],
    ["an import from above", { "packages/wire/src/a.ts": 'export * from "@bunnel/engine";\n' }, "@bunnel/engine"],
    [
      "a type-only import",
      { "packages/wire/src/a.ts": 'import type { E } from "@bunnel/engine";\n' },
      "@bunnel/engine",
    ],
    ["a dynamic import", { "packages/wire/src/a.ts": 'const e = await import("@bunnel/engine");\n' }, "@bunnel/engine"],
    ["an import that is not declared", { "packages/device/src/a.ts": 'import "@bunnel/abi";\n' }, "dependencies"],
    ["a path into another package", { "packages/wire/src/a.ts": 'import "../../abi/src/index.ts";\n' }, "by its name"],
    [
      "a dependency on a sibling in package.json",
      { "packages/abi/package.json": manifest("@bunnel/abi", { dependencies: { "@bunnel/wire": "workspace:*" } }) },
      "found @bunnel/wire of level 1",
    ],
    [
      "a package that has no level",
      { "packages/extra/package.json": manifest("@bunnel/extra") },
      "a room with a level",
    ],
    ["an engine folder that looks down", { "wasm/assembly/mem/a.ts": 'import "../wire/be";\n' }, "found wire"],
    ["an engine folder without a place", { "wasm/assembly/extra/a.ts": 'import "../mem/a";\n' }, "found extra"],
  ]);
});

describe("places", () => {
  cases("places", [
    ["bun:ffi outside sys.ts", { "packages/wire/src/a.ts": 'import { dlopen } from "bun:ffi";\n' }, "bun:ffi only"],
    ["bun:ffi by require", { "packages/wire/src/a.ts": 'const ffi = require("bun:ffi");\n' }, "bun:ffi only"],
    [
      "WebAssembly outside the engine",
      { "packages/wire/src/a.ts": "new WebAssembly.Module(a);\n" },
      "WebAssembly only",
    ],
    ["a built file", { "packages/wire/engine.wasm": "" }, "something built"],
    ["a file of a build folder", { "wasm/build/a.txt": "" }, "something built"],
    ["an empty name", { "packages/wire/src/utils.ts": "" }, "found utils"],
    ["an empty name of a folder", { "packages/wire/src/helpers/a.ts": "" }, "found helpers"],
    ["a name that is not kebab-case", { "packages/wire/src/tcpOptions.ts": "" }, "kebab-case"],
    // Texts of files that tidy is to refuse, not tests of this file.
    ["a test that is held back", { "packages/wire/src/a.test.ts": 'test.skip("a", () => {});\n' }, "held back"],
    ["a suite that stands alone", { "packages/wire/src/a.test.ts": 'describe.only("a", () => {});\n' }, "held back"],
    ["a mark of unfinished work", { "packages/wire/src/a.ts": pieces("// TO", "DO: more") }, "unfinished"],
  ]);
});

describe("sizes", () => {
  cases("sizes", [
    ["a long file", { "packages/wire/src/a.ts": "a;\n".repeat(401) }, "found 401"],
    ["a wide line", { "packages/wire/src/a.ts": `// ${"a".repeat(118)}\n` }, "found 121"],
  ]);

  test("a line is measured in characters", () => {
    expect(findingsOf("sizes", treeOf({ "packages/wire/src/a.ts": `// ${"·".repeat(117)}\n` }))).toEqual([]);
  });
});

describe("packages", () => {
  const wire = (more: object): Record<string, string> => ({
    "packages/wire/package.json": manifest("@bunnel/wire", more),
  });
  cases("packages", [
    ["no README", { "packages/wire/README.md": undefined }, "expected a README.md"],
    ["another licence", wire({ license: "ISC" }), "expected MIT, found ISC"],
    ["a range of versions", wire({ dependencies: { "fast-check": "^4.0.0" } }), "found ^4.0.0"],
    ["a name that the catalog lacks", wire({ devDependencies: { valibot: "catalog:" } }), "in the root's catalog"],
    ["a dependency without a reason", wire({ dependencies: { valibot: "1.5.0" } }), "expected its reason"],
    [
      "a range in the catalog",
      { "package.json": manifest("root", { private: true, workspaces: { catalog: { "fast-check": "~4.0.0" } } }) },
      "found ~4.0.0",
    ],
  ]);
});

describe("changesets", () => {
  const change = (text: string): Record<string, string> => ({ ".changeset/first.md": text });
  cases("changesets", [
    ["no head", change("Reads packets.\n"), "expected a head"],
    ["no package", change("---\n---\n\nReads packets.\n"), "at least one package"],
    ["a size that does not exist", change('---\n"@bunnel/wire": big\n---\n\nReads.\n'), "patch, minor or major"],
    ["an unknown package", change('---\n"@bunnel/none": minor\n---\n\nReads.\n'), "found @bunnel/none"],
    ["no sentence", change('---\n"@bunnel/wire": minor\n---\n'), "expected a sentence"],
  ]);
});

describe("traces", () => {
  cases("traces", [
    ["a path of somebody's machine", { "docs/a.md": pieces("See /ho", "me/alice/bunnel.") }, "alice"],
    ["a path of a build machine", { "packages/wire/src/a.ts": pieces("// /wo", "rk/main/a.ts") }, "every machine"],
    ["the host of a registry", { "bun.lock": pieces("https://registry.npm", "js.org/a") }, "no host"],
  ]);
});

type Change = Readonly<Record<string, string | undefined>>;

function cases(rule: string, list: readonly (readonly [string, Change, string])[]): void {
  test.each(list.map((row) => [...row] as const))("finds %s", (_, change, words) => {
    const findings = findingsOf(rule, treeOf(change)).map(show);
    expect(findings.join("\n")).toContain(words);
  });
}

function findingsOf(rule: string, tree: Tree): Finding[] {
  const find = rules.get(rule);
  if (find === undefined) throw new Error(`rule ${rule}: expected one of ${[...rules.keys()].join(", ")}`);
  return find(tree);
}

/** The sound tree with some files changed; undefined removes one. */
function treeOf(change: Change): Tree {
  const tree = new Map(Object.entries(sound));
  for (const [path, text] of Object.entries(change)) {
    if (text === undefined) tree.delete(path);
    else tree.set(path, text);
  }
  return tree;
}

/** Words that this file must not hold in one piece, because the repository's own rules read it too. */
function pieces(...parts: readonly string[]): string {
  return `${parts.join("")}\n`;
}

function manifest(name: string, more: object = {}): string {
  return JSON.stringify({ name, license: "MIT", ...more });
}
