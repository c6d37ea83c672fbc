// `bun run release [--check | --rehearse] [folder]`: everything that a release consists of, made from this tree, by
// default into `build/release`. With --check (root) the end-to-end suites then run with the Linux executable. With
// --rehearse the release workflow is done here instead, in a fresh clone of what is committed; nothing is published.
//
//   bunnel-<system>-<processor>   executables that need nothing beside them; each is started where that works
//   bunnel-<package>-<version>.tgz   packages for the registry
//   bunnel.cdx.json   what all of it is made of (CycloneDX)      SHA256SUMS   for `sha256sum --check`
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import app from "bunnel/package.json" with { type: "json" };
import { billOfMaterials } from "./bill-of-materials.ts";
import { checksums } from "./checksums.ts";
import { makeExecutable } from "./executables.ts";
import { packAll } from "./packages.ts";
import { rehearse } from "./rehearse.ts";
import { TARGETS } from "./targets.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const SUITES = ["test/e2e", "test/cli"];
const MEBIBYTE = 1 << 20;

const words = process.argv.slice(2);
const isChecked = words.includes("--check");
const [folder = join(ROOT, "build/release")] = words.filter((word) => !word.startsWith("--"));
if (words.includes("--rehearse")) {
  process.exitCode = rehearse();
} else {
  await release(resolve(folder));
  if (isChecked) process.exitCode = check(resolve(folder));
}

async function release(destination: string): Promise<void> {
  rmSync(destination, { recursive: true, force: true });
  mkdirSync(destination, { recursive: true });
  const files: string[] = [];
  for (const target of TARGETS) {
    const { path, bytes, started } = await makeExecutable(target, destination, app.version);
    files.push(path);
    console.log(`${target.file.padEnd(26)} ${(bytes / MEBIBYTE).toFixed(0).padStart(4)} MiB  ${started}`);
  }
  const packed = packAll(destination, process.env["BUNNEL_REPOSITORY"]);
  for (const { name, version, path } of packed) {
    files.push(path);
    console.log(`${name}@${version}: ${basename(path)}`);
  }
  const bill = join(destination, "bunnel.cdx.json");
  writeFileSync(bill, billOfMaterials());
  files.push(bill);
  writeFileSync(join(destination, "SHA256SUMS"), await checksums(files));
  console.log(`${files.length} files and SHA256SUMS in ${destination}`);
}

/** The status of the suites that start the program, over the executable of this kind of machine. */
function check(destination: string): number {
  const executable = join(destination, `bunnel-linux-${process.arch}`);
  const { exitCode } = Bun.spawnSync([process.execPath, "tools/test.ts", ...SUITES], {
    cwd: ROOT,
    env: { ...process.env, BUNNEL_EXECUTABLE: executable },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return exitCode;
}
