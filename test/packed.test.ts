// needs root: the example opens a device
// What is published works by itself: in an empty folder, from the packed packages, with types that a user's compiler
// takes as they are.
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { NetworkNamespace } from "@bunnel/tun-linux";

/** What a user of devices adds; what these need comes along. */
const ADDED = ["tun", "wire"];
/** Packing, compiling. */
const LIMIT_MS = 60_000;

/** What `bun init` writes, as far as it decides what is an error. */
const TSCONFIG = {
  compilerOptions: {
    lib: ["ESNext"],
    target: "ESNext",
    module: "Preserve",
    moduleDetection: "force",
    types: ["bun-types"],
    moduleResolution: "bundler",
    allowImportingTsExtensions: true,
    verbatimModuleSyntax: true,
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    noUncheckedIndexedAccess: true,
    noImplicitOverride: true,
  },
};

const root = dirname(import.meta.dirname);
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bunnel-packed-"));
  const wanted = [...ADDED];
  for (const name of wanted) {
    const { dependencies = {} } = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as {
      readonly dependencies?: Readonly<Record<string, string>>;
    };
    unpack(name);
    for (const dependency of Object.keys(dependencies)) {
      const own = /^@bunnel\/(.*)$/.exec(dependency)?.[1];
      if (own === undefined) link(join("packages", name, "node_modules", dependency), dependency);
      else if (!wanted.includes(own)) wanted.push(own);
    }
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", type: "module" }));
}, LIMIT_MS);
afterAll(() => rmSync(folder, { recursive: true }));

/** Packs a package and puts it where `bun add` would. */
function unpack(name: string): void {
  const destination = join(folder, "packed", name);
  mkdirSync(destination, { recursive: true });
  run(join(root, "packages", name), process.execPath, "pm", "pack", "--quiet", "--destination", destination);
  run(destination, "sh", "-c", "tar -xzf *.tgz");
  cpSync(join(destination, "package"), join(folder, "node_modules", "@bunnel", name), { recursive: true });
}

/** What the registry would bring. */
function link(path: string, name: string): void {
  symlinkSync(realpathSync(join(root, path)), join(folder, "node_modules", name));
}

function run(cwd: string, ...command: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stdout.toString()}${stderr.toString()}`);
  return stdout.toString();
}

test("no test is published", () => {
  expect([...new Bun.Glob("*/package/src/*.ts").scanSync(join(folder, "packed"))]).not.toEqual([]);
  expect([...new Bun.Glob("**/*.test.ts").scanSync(join(folder, "packed"))]).toEqual([]);
});

test("the example of the README runs, and nothing is fetched from the project's own folder", () => {
  const [, example = ""] = /```ts\n(\/\/ example: root\n[\s\S]*?)```/.exec(readTun("README.md")) ?? [];
  writeFileSync(join(folder, "example.ts"), `${example}\nconsole.log(import.meta.resolve("@bunnel/tun"));\n`);
  using namespace = NetworkNamespace.create();
  const output = namespace.run(() => run(folder, process.execPath, "example.ts"));
  const [first, second, place] = output.trim().split("\n");
  expect([first, second]).toEqual(["tun0 1500 octets", expect.stringMatching(/^\d+ octets for 203\.0\.113\.9$/)]);
  expect(place).toBe(`file://${realpathSync(folder)}/node_modules/@bunnel/tun/src/index.ts`);
});

test(
  "the compiler of a user takes the types as they are",
  () => {
    for (const name of ["bun-types", "@types"]) link(join("node_modules", name), name);
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ ...TSCONFIG, include: ["example.ts"] }));
    writeFileSync(join(folder, "wrong.ts"), 'import { openTun } from "@bunnel/tun";\nopenTun({ mtu: 1400 });\n');
    const compiler = join(root, "node_modules", ".bin", "tsc");
    expect(run(folder, compiler, "-p", ".")).toBe("");
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ ...TSCONFIG, include: ["wrong.ts"] }));
    expect(() => run(folder, compiler, "-p", ".")).toThrow("'mtu' does not exist in type 'DeviceOptions'");
  },
  LIMIT_MS,
);

function readTun(file: string): string {
  return readFileSync(join(folder, "node_modules", "@bunnel", "tun", file), "utf8");
}
