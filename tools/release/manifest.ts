// What a package.json says once its package is published: what only this repository understands is taken out of it.

/** A package.json, as far as it matters here. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly files?: readonly string[];
  readonly bin?: Readonly<Record<string, string>>;
  readonly imports?: Readonly<Record<string, Entry>>;
  readonly exports?: Readonly<Record<string, Entry>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

type Entry = string | Readonly<Record<string, string>>;

export interface Published {
  /** Versions of this repository's packages, by name. */
  readonly versions: ReadonlyMap<string, string>;
  /** Versions that packages of this repository share, by name. */
  readonly catalog: Readonly<Record<string, string>>;
  /** Where the sources lie, such as https://example.org/bunnel; a registry compares it with the attested origin. */
  readonly repository?: string;
}

const SOURCE = /^\.\/src\/(.*)\.ts$/u;
/** A test's own door into a package, which is not published. */
const OF_TESTS = /^\.\/test\//u;

/**
 * The manifest to publish from one of this repository. Bun runs the sources; other run-times get the JavaScript of
 * them that lies in `dist`, and compilers its types.
 * @throws Error when a dependency has no version
 */
export function publishedManifest(manifest: Manifest, folder: string, published: Published): Manifest {
  const { devDependencies: _development, scripts: _scripts, ...kept } = manifest;
  const { repository } = published;
  return {
    ...kept,
    ...(repository !== undefined && { repository: { type: "git", url: `git+${repository}.git`, directory: folder } }),
    engines: { bun: ">=1.4.5" },
    ...(manifest.files?.includes("src") === true && { files: [...manifest.files, "dist"] }),
    ...(manifest.imports !== undefined && { imports: mapped(manifest.imports, doors) }),
    ...(manifest.exports !== undefined && { exports: mapped(manifest.exports, doors) }),
    ...(manifest.dependencies !== undefined && { dependencies: pinned(manifest.dependencies, published) }),
  };
}

function mapped(entries: Readonly<Record<string, Entry>>, door: (entry: Entry) => Entry): Record<string, Entry> {
  const published = Object.entries(entries).filter(([, entry]) => typeof entry !== "string" || !OF_TESTS.test(entry));
  return Object.fromEntries(published.map(([name, entry]) => [name, door(entry)]));
}

/** What stands for a source file: `types` first, because compilers take the first that they know. */
function doors(entry: Entry): Entry {
  if (typeof entry !== "string") {
    return Object.fromEntries(
      Object.entries(entry).map(([condition, path]) => [condition, condition === "bun" ? path : built(path)]),
    );
  }
  const name = SOURCE.exec(entry)?.[1];
  if (name === undefined) return entry;
  return { types: `./dist/${name}.d.ts`, bun: entry, default: `./dist/${name}.js` };
}

function built(path: string): string {
  return path.replace(SOURCE, "./dist/$1.js");
}

function pinned(dependencies: Readonly<Record<string, string>>, published: Published): Record<string, string> {
  return Object.fromEntries(
    Object.entries(dependencies).map(([name, wanted]) => {
      const ours = wanted.startsWith("workspace:") ? published.versions.get(name) : undefined;
      const version = wanted === "catalog:" ? published.catalog[name] : (ours ?? wanted);
      if (version === undefined || version.includes(":")) {
        throw new Error(`${name}: expected a version to publish with, found ${wanted}`);
      }
      return [name, version];
    }),
  );
}
