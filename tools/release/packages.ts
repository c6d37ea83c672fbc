// Packages as they are published: staged in a folder, with JavaScript and types beside the sources, and packed.
//
//   packages/wire/src/packet.ts → stage/packages/wire/{src/packet.ts, dist/packet.js, .js.map, .d.ts, .d.ts.map}
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { publishedManifest, type Manifest, type Published } from "./manifest.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** Beside the sources, for the compiler reads the repository's configuration and its packages from there. */
const CONFIGURATION = join(ROOT, "tsconfig.release.tmp.json");
const PLACES = ["packages", "apps"];
/** What sources import that is no source; what tests observed is theirs. */
const DATA = "packages/*/src/**/!(*.observed).json";
const ENGINE = "wasm";
/** `from "./packet.ts"`, `import("./packet")`; not "./package.json". */
const RELATIVE_IMPORT = /(from |import |import\()"(\.{1,2}\/(?:(?!\.json"|\.wasm")[^"])*?)(?:\.ts|\.js)?"/gu;

/** One archive of a release. */
export interface PackedPackage {
  readonly name: string;
  readonly version: string;
  /** The archive's path. */
  readonly path: string;
}

interface Workspaces {
  readonly catalog: Readonly<Record<string, string>>;
}

interface Source {
  readonly folder: string;
  readonly manifest: Manifest;
}

/**
 * Packs every package that is published into `destination`. The engine must have been built.
 * @throws Error with what the compiler or the packer said
 */
export function packAll(destination: string, repository?: string): PackedPackage[] {
  const sources = publishedSources();
  const versions = new Map(sources.map(({ manifest }) => [manifest.name, manifest.version]));
  const published: Published = { versions, catalog: catalog(), ...(repository !== undefined && { repository }) };
  const stage = mkdtempSync(join(tmpdir(), "bunnel-release-"));
  try {
    compileSources(join(stage, "built"));
    mkdirSync(destination, { recursive: true });
    return sources.map((source) => packOne(source, stage, published, destination));
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** The packages that are published, dependencies of others among them. */
function publishedSources(): Source[] {
  const folders = PLACES.flatMap((place) =>
    readdirSync(join(ROOT, place))
      .toSorted()
      .map((name) => join(place, name)),
  );
  return [...folders, ENGINE]
    .filter((folder) => existsSync(join(ROOT, folder, "package.json")))
    .map((folder) => ({ folder, manifest: readJson(join(ROOT, folder, "package.json")) as Manifest }))
    .filter(({ manifest }) => manifest.private !== true);
}

function packOne({ folder, manifest }: Source, stage: string, published: Published, destination: string) {
  const place = join(stage, folder);
  mkdirSync(place, { recursive: true });
  for (const name of ["LICENSE", ...(manifest.files ?? [])]) {
    const from = join(ROOT, name === "LICENSE" ? name : join(folder, name));
    if (!name.startsWith("!") && existsSync(from)) cpSync(from, join(place, name), { recursive: true });
  }
  const built = join(stage, "built", folder, "src");
  if (existsSync(built)) cpSync(built, join(place, "dist"), { recursive: true });
  const text = JSON.stringify(publishedManifest(manifest, folder, published), null, 2);
  writeFileSync(join(place, "package.json"), `${text}\n`);
  const said = run(place, process.execPath, "pm", "pack", "--quiet", "--ignore-scripts", "--destination", destination);
  return { name: manifest.name, version: manifest.version, path: said.trim() };
}

/** JavaScript, types and maps of all packages; the app runs from its sources. */
function compileSources(outDir: string): void {
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    declarationMap: true,
    sourceMap: true,
    allowImportingTsExtensions: false,
    rewriteRelativeImportExtensions: true,
    // What Node 20 reads.
    target: "es2023",
    rootDir: ".",
    outDir,
  };
  const include = ["packages/*/src"];
  const exclude = ["**/*.test.ts", "**/node_modules"];
  writeFileSync(CONFIGURATION, JSON.stringify({ extends: "./tsconfig.base.json", compilerOptions, include, exclude }));
  try {
    run(ROOT, join(ROOT, "node_modules/.bin/tsc"), "-p", CONFIGURATION);
    // The compiler copies data that sources import, or not: by which of two paths it came to them first.
    for (const file of new Bun.Glob(DATA).scanSync(ROOT)) cpSync(join(ROOT, file), join(outDir, file));
    for (const file of new Bun.Glob("**/*.map").scanSync(outDir)) pointToSource(join(outDir, file));
    for (const file of new Bun.Glob("**/*.{js,d.ts}").scanSync(outDir)) nameFiles(join(outDir, file));
  } finally {
    rmSync(CONFIGURATION, { force: true });
  }
}

/** A map leads from `dist` to `src` of the same package, wherever that is installed. */
function pointToSource(path: string): void {
  const map = readJson(path) as { readonly sources: readonly string[] };
  const sources = map.sources.map((source) => {
    const inside = resolve(dirname(path), source).split("/src/").slice(1).join("/src/");
    const up = "../".repeat(inside.split("/").length);
    return `${up}src/${inside}`;
  });
  writeFileSync(path, JSON.stringify({ ...map, sources }));
}

/** Imports name files as other run-times want them: with `.js`, also where a source leaves the ending out. */
function nameFiles(path: string): void {
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replaceAll(RELATIVE_IMPORT, '$1"$2.js"'));
}

function catalog(): Readonly<Record<string, string>> {
  const { workspaces } = readJson(join(ROOT, "package.json")) as { readonly workspaces: Workspaces };
  return workspaces.catalog;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}

function run(cwd: string, ...command: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stdout.toString()}${stderr.toString()}`);
  return stdout.toString();
}
