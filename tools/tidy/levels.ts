// The house: who may import whom. Arrows point strictly down; rooms of one level never see each other.
import { posix } from "node:path";
import { importsOf } from "./imports.ts";
import { type Manifest, manifestsOf, ownerOf } from "./manifest.ts";
import type { Finding, Tree } from "./tree.ts";

/** The level of each package's folder. */
const LEVELS: Readonly<Record<string, number>> = {
  "packages/abi": 0,
  "packages/ffi": 0,
  wasm: 1,
  "packages/wire": 1,
  "packages/device": 1,
  // Between the contract and two of its drivers: what macOS and the BSDs have in common.
  "packages/bsd": 1.5,
  "packages/engine": 2,
  "packages/profile": 2,
  "packages/tun-linux": 2,
  "packages/tun-darwin": 2,
  "packages/tun-bsd": 2,
  "packages/tun-win32": 2,
  "packages/egress": 2,
  "packages/resolver": 2,
  "packages/tun": 3,
  "packages/backend": 3,
  "packages/lab": 3,
  "packages/stream": 3,
  "apps/bunnel": 4,
  tools: 5,
  "tools/api-reference": 5,
  "tools/release": 5,
  "tools/site": 5,
  test: 6,
};

/** Arrows along one level that were agreed: the lab drives real devices, and tries what the relay makes of messages. */
const AGREED: ReadonlySet<string> = new Set(["packages/lab > packages/tun", "packages/lab > packages/stream"]);

/** Inside the engine each folder uses only those before it. */
const ENGINE = "wasm/assembly/";
const ENGINE_ORDER = [
  "mem",
  "wire",
  "l7",
  "flow",
  "rules",
  "plan",
  "desync",
  "emit",
  "offload",
  "story",
  "translate",
  "carry",
  "process.ts",
  "index.ts",
];

/** Arrows that point up or sideways, in import statements and in package.json. */
export function findLevels(tree: Tree): Finding[] {
  const manifests = manifestsOf(tree);
  const findings = manifests.flatMap((manifest) => findInManifest(manifest, manifests));
  for (const [path, source] of tree) {
    if (!path.endsWith(".ts") || path.endsWith(".d.ts")) continue;
    const owner = ownerOf(manifests, path);
    if (owner === undefined) continue;
    for (const { specifier, line } of importsOf(source)) {
      const message = specifier.startsWith(".")
        ? refuseRelative(path, specifier, owner)
        : refusePackage(packageName(specifier), owner, manifests);
      if (message !== undefined) findings.push({ path, line, message });
    }
  }
  return findings;
}

function findInManifest(manifest: Manifest, manifests: readonly Manifest[]): Finding[] {
  const findings: Finding[] = [];
  if (manifest.folder !== "" && LEVELS[manifest.folder] === undefined) {
    findings.push({ path: manifest.path, line: 0, message: "expected a room with a level, found another" });
  }
  for (const name of [...manifest.dependencies.keys(), ...manifest.otherDependencies.keys()]) {
    const message = refuseArrow(
      manifest,
      manifests.find((other) => other.name === name),
    );
    if (message !== undefined) findings.push({ path: manifest.path, line: 0, message });
  }
  return findings;
}

function refusePackage(name: string, owner: Manifest, manifests: readonly Manifest[]): string | undefined {
  const target = manifests.find((manifest) => manifest.name === name);
  if (target === undefined || target === owner) return undefined;
  const isDeclared = owner.dependencies.has(name) || owner.otherDependencies.has(name);
  if (!isDeclared) return `expected ${name} among the dependencies of ${owner.path}, found none`;
  return refuseArrow(owner, target);
}

function refuseArrow(owner: Manifest, target: Manifest | undefined): string | undefined {
  if (target === undefined) return undefined;
  const from = LEVELS[owner.folder];
  const to = LEVELS[target.folder];
  if (from === undefined || to === undefined || to < from) return undefined;
  if (AGREED.has(`${owner.folder} > ${target.folder}`)) return undefined;
  return `expected imports from below level ${from}, found ${target.name} of level ${to}`;
}

function refuseRelative(path: string, specifier: string, owner: Manifest): string | undefined {
  const target = posix.join(posix.dirname(path), specifier);
  if (owner.folder !== "" && !target.startsWith(`${owner.folder}/`)) {
    return `expected another package by its name, found the path ${specifier}`;
  }
  return path.startsWith(ENGINE) ? refuseEngine(path, target) : undefined;
}

function refuseEngine(path: string, target: string): string | undefined {
  const from = engineRank(path);
  const to = engineRank(`${target}.ts`);
  const [room, other] = [engineRoom(path), engineRoom(`${target}.ts`)];
  if (from === -1) return `expected one of ${ENGINE_ORDER.join(", ")}, found ${room}`;
  return to > from ? `expected only what stands before ${room}, found ${other}` : undefined;
}

function engineRank(path: string): number {
  return ENGINE_ORDER.indexOf(engineRoom(path));
}

function engineRoom(path: string): string {
  return path.slice(ENGINE.length).split("/")[0] ?? "";
}

function packageName(specifier: string): string {
  const [first = "", second = ""] = specifier.split("/");
  return first.startsWith("@") ? `${first}/${second}` : first;
}
