// Starting executables for musl on Debian: over musl's own loader and C library, with Debian's C++ library, for which
// `musl-bridge.c` has what it asks of glibc. For arm64 all of that lies in a folder that qemu takes for the root.
import { cpSync, existsSync, mkdirSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";

const BRIDGE = join(import.meta.dirname, "musl-bridge.c");
const CPP_LIBRARIES = ["libstdc++.so.6", "libgcc_s.so.1"];
const ARM64_LIBRARIES = "/usr/aarch64-linux-gnu/lib";
const X64_LIBRARIES = "/usr/lib/x86_64-linux-gnu";
const X64_LOADER = "/lib/ld-musl-x86_64.so.1";
const ARM64_LOADER = "ld-musl-aarch64.so.1";
const QEMU = "qemu-aarch64-static";
const ARM64_COMPILER = "aarch64-linux-gnu-gcc";
/** Debian's own archive tells of packages for arm64 when it is asked as an arm64 machine, with lists of its own. */
const ARM64_APT = ["-qq", "-o", "APT::Architecture=arm64", "-o", "APT::Architectures=arm64"];

/** A command with what must stand in its environment, or why there is none. */
export type MuslStart =
  | { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> }
  | { readonly missing: string };

/** How to start an x64 executable for musl; `folder` takes what it needs. */
export function startMusl(path: string, folder: string): MuslStart {
  if (!existsSync(X64_LOADER)) return { missing: "no musl here" };
  if (Bun.which("gcc") === null) return { missing: "no gcc here" };
  layLibraries(folder, X64_LIBRARIES);
  // Debian's C++ library asks for glibc's loader by name.
  makeBridge("gcc", join(folder, "ld-linux-x86-64.so.2"));
  return { command: [path], env: { LD_LIBRARY_PATH: folder } };
}

/** How to start an arm64 executable for musl under qemu; `folder` becomes the root that it sees. */
export function startMuslArm64(path: string, folder: string): MuslStart {
  for (const needed of [QEMU, ARM64_COMPILER, "apt-get", "dpkg-deb"]) {
    if (Bun.which(needed) === null) return { missing: `no ${needed} here` };
  }
  const libraries = join(folder, "lib");
  const refused = fetchArm64Musl(folder);
  if (refused !== undefined) return { missing: refused };
  cpSync(join(libraries, "aarch64-linux-musl/libc.so"), join(libraries, ARM64_LOADER));
  layLibraries(libraries, ARM64_LIBRARIES);
  makeBridge(ARM64_COMPILER, join(libraries, "bridge.so"));
  const inside = ["-E", "LD_LIBRARY_PATH=/lib", "-E", "LD_PRELOAD=/lib/bridge.so"];
  return { command: [QEMU, "-L", folder, ...inside, path], env: {} };
}

/** Unpacks Debian's package of musl for arm64 into `folder`; why not, where it cannot be had. */
function fetchArm64Musl(folder: string): string | undefined {
  const lists = join(folder, "lists");
  mkdirSync(join(lists, "partial"), { recursive: true });
  const caches = ["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="];
  const apt = ["apt-get", ...ARM64_APT, "-o", `Dir::State::lists=${lists}`, ...caches];
  for (const words of [["update"], ["download", "musl"]]) {
    const { exitCode } = Bun.spawnSync([...apt, ...words], { cwd: folder, stdout: "ignore", stderr: "ignore" });
    if (exitCode !== 0) return "no package of musl for arm64 to be had";
  }
  const archive = readdirSync(folder).find((name) => name.endsWith(".deb"));
  if (archive === undefined) return "no package of musl for arm64 to be had";
  run(["dpkg-deb", "--extract", join(folder, archive), folder]);
  return undefined;
}

function layLibraries(folder: string, from: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of CPP_LIBRARIES) {
    const place = [from, "/lib/x86_64-linux-gnu"].map((each) => join(each, name)).find((each) => existsSync(each));
    if (place !== undefined) cpSync(realpathSync(place), join(folder, name));
  }
}

function makeBridge(compiler: string, file: string): void {
  run([compiler, "-shared", "-fPIC", "-nostdlib", "-o", file, BRIDGE]);
}

function run(command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command]);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
}
