// The workspace packages of a tree.
import { posix } from "node:path";
import type { Tree } from "./tree.ts";

/** What tidy reads of a package.json. */
export interface Manifest {
  /** The folder of the package, "" for the root. */
  readonly folder: string;
  readonly path: string;
  readonly name: string;
  readonly isPrivate: boolean;
  readonly license: string | undefined;
  readonly dependencies: ReadonlyMap<string, string>;
  /** Dependencies of every other kind. */
  readonly otherDependencies: ReadonlyMap<string, string>;
  /** The root's version catalog. */
  readonly catalog: ReadonlyMap<string, string>;
}

/** Every package.json of the tree, the root's first. */
export function manifestsOf(tree: Tree): Manifest[] {
  const paths = [...tree.keys()].filter((path) => posix.basename(path) === "package.json");
  return paths.map((path) => readManifest(path, tree.get(path) ?? "")).toSorted(byDepth);
}

/** The package that a file belongs to: the one whose folder is the longest prefix of its path. */
export function ownerOf(manifests: readonly Manifest[], path: string): Manifest | undefined {
  return manifests.findLast(({ folder }) => folder === "" || path.startsWith(`${folder}/`));
}

function readManifest(path: string, text: string): Manifest {
  const json = JSON.parse(text) as Record<string, unknown>;
  const folder = posix.dirname(path);
  return {
    folder: folder === "." ? "" : folder,
    path,
    name: textOf(json["name"]) ?? "",
    isPrivate: json["private"] === true,
    license: textOf(json["license"]),
    dependencies: entriesOf(json["dependencies"]),
    otherDependencies: new Map([
      ...entriesOf(json["devDependencies"]),
      ...entriesOf(json["peerDependencies"]),
      ...entriesOf(json["optionalDependencies"]),
    ]),
    catalog: entriesOf((json["workspaces"] as Record<string, unknown> | undefined)?.["catalog"]),
  };
}

function byDepth(left: Manifest, right: Manifest): number {
  return left.folder.length - right.folder.length || left.folder.localeCompare(right.folder);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function entriesOf(value: unknown): Map<string, string> {
  if (typeof value !== "object" || value === null) return new Map();
  return new Map(Object.entries(value).map(([name, version]) => [name, String(version)]));
}
