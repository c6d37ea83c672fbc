// What a release is made of, as CycloneDX 1.6: our packages, those of others that they run on, and Bun itself.
// Read from bun.lock, which names each package with its version and digest.
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import app from "bunnel/package.json" with { type: "json" };

const ROOT = resolve(import.meta.dirname, "../..");
const INSTALLED = join(ROOT, "node_modules/.bun");
const PROGRAM = "bunnel";
/** What tells a digest of bun.lock: the algorithm, and 64 octets in base64. */
const DIGEST = /^sha512-(.+)$/u;

interface Lock {
  readonly workspaces: Readonly<Record<string, Wanting & { readonly name: string; readonly version?: string }>>;
  /** `[name@version, registry, what it wants, digest]`; of our own packages the first alone. */
  readonly packages: Readonly<Record<string, readonly [string, string?, Wanting?, string?]>>;
}

interface Wanting {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Part {
  readonly name: string;
  readonly version: string;
  readonly digest?: string;
  readonly wants: readonly string[];
}

/**
 * The bill of materials of the program in its version, as JSON text. The same lock file gives the same text.
 * @throws Error when the lock file does not know a package that one wants
 */
export function billOfMaterials(): string {
  const lock = Bun.JSONC.parse(readFileSync(join(ROOT, "bun.lock"), "utf8")) as Lock;
  const parts = partsOf(lock);
  const components = new Map([...parts].map(([name, part]) => [name, component(part)]));
  const program = components.get(PROGRAM);
  if (program === undefined) throw new Error(`bun.lock: expected the package ${PROGRAM}, found none`);
  for (const [name, { wants }] of parts) {
    for (const wanted of wants) {
      const other = components.get(wanted);
      if (other !== undefined) components.get(name)?.dependencies.add(other.bomRef);
    }
  }
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component: program }) });
  for (const [name, each] of components) if (name !== PROGRAM) bom.components.add(each);
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

/** Everything that the program needs to run, by name, in the order in which it is first wanted. */
function partsOf(lock: Lock): Map<string, Part> {
  const own = new Map(Object.values(lock.workspaces).map((each) => [each.name, each]));
  const parts = new Map<string, Part>();
  const waiting = [PROGRAM];
  for (const name of waiting) {
    if (parts.has(name)) continue;
    const workspace = own.get(name);
    const part = workspace === undefined ? foreignPart(lock, name) : ownPart(name, workspace);
    parts.set(name, part);
    waiting.push(...part.wants);
  }
  return parts;
}

function ownPart(name: string, { version = "0.0.0", dependencies = {} }: Lock["workspaces"][string]): Part {
  return { name, version, wants: Object.keys(dependencies) };
}

/** Builds of a package for single systems are the package itself here: an executable holds one of them. */
function foreignPart(lock: Lock, name: string): Part {
  const entry = lock.packages[name];
  if (entry === undefined) throw new Error(`bun.lock: expected the package ${name}, found none`);
  const [id, , { dependencies = {} } = {}, digest] = entry;
  const version = id.slice(id.lastIndexOf("@") + 1);
  return { name, version, ...(digest !== undefined && { digest }), wants: Object.keys(dependencies) };
}

function component({ name, version, digest }: Part): Models.Component {
  const [scope, plain] = name.startsWith("@") ? name.split("/") : [undefined, name];
  const type = name === PROGRAM ? Enums.ComponentType.Application : Enums.ComponentType.Library;
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  const made = new Models.Component(type, plain ?? name, { version, bomRef: purl, purl });
  if (scope !== undefined) made.group = scope;
  const hex = DIGEST.exec(digest ?? "")?.[1];
  if (hex !== undefined) made.hashes.set(Enums.HashAlgorithm["SHA-512"], Buffer.from(hex, "base64").toString("hex"));
  const license = licenseOf(name, version);
  if (license !== undefined) made.licenses.add(license);
  return made;
}

/** What the package says of itself where it is installed. */
function licenseOf(name: string, version: string): Models.License | undefined {
  const own = name === PROGRAM || name.startsWith("@bunnel/");
  const text = own ? app.license : readLicense(name, version);
  if (text === undefined) return undefined;
  return text.includes(" ") ? new Models.LicenseExpression(text) : new Models.SpdxLicense(text);
}

/** Bun names the folder of an installed package by its version, and by a digest where others decide what it gets. */
function readLicense(name: string, version: string): string | undefined {
  const wanted = `${name.replace("/", "+")}@${version}`;
  const folder = readdirSync(INSTALLED).find((each) => each === wanted || each.startsWith(`${wanted}+`));
  if (folder === undefined) return undefined;
  const path = join(INSTALLED, folder, "node_modules", name, "package.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { readonly license?: string }).license;
}
