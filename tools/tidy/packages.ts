// What each package owes its user: a README, a licence, exact versions, and a reason for each thing it pulls in.
import { type Manifest, manifestsOf } from "./manifest.ts";
import type { Finding, Tree } from "./tree.ts";

const EXACT = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;
const WORKSPACE = "workspace:*";
const LICENSE = "MIT";

/** Packages without README or licence, versions that are not exact, and run-time dependencies without a reason. */
export function findPackages(tree: Tree): Finding[] {
  const manifests = manifestsOf(tree);
  const catalog = manifests.find(({ folder }) => folder === "")?.catalog ?? new Map<string, string>();
  return manifests.flatMap((manifest) => [
    ...findVersions(manifest, catalog),
    ...(manifest.isPrivate ? [] : findPublic(manifest, tree)),
  ]);
}

function findVersions(manifest: Manifest, catalog: ReadonlyMap<string, string>): Finding[] {
  const findings: Finding[] = [];
  const add = (message: string): unknown => findings.push({ path: manifest.path, line: 0, message });
  for (const [name, version] of [...manifest.dependencies, ...manifest.otherDependencies]) {
    if (version === WORKSPACE || EXACT.test(version)) continue;
    if (version !== "catalog:") add(`${name}: expected an exact version, found ${version}`);
    else if (!catalog.has(name)) add(`${name}: expected it in the root's catalog, found none`);
  }
  for (const [name, version] of manifest.catalog) {
    if (!EXACT.test(version)) add(`${name}: expected an exact version in the catalog, found ${version}`);
  }
  return findings;
}

function findPublic(manifest: Manifest, tree: Tree): Finding[] {
  const findings: Finding[] = [];
  const add = (message: string): unknown => findings.push({ path: manifest.path, line: 0, message });
  if (manifest.license !== LICENSE) add(`license: expected ${LICENSE}, found ${manifest.license ?? "none"}`);
  const readme = tree.get(`${manifest.folder}/README.md`);
  if (readme === undefined) add("expected a README.md, found none");
  for (const [name, version] of manifest.dependencies) {
    if (version === WORKSPACE || readme === undefined || readme.includes(name)) continue;
    add(`${name}: expected its reason in README.md, found no mention`);
  }
  return findings;
}
