// A C library with the sockets of another system, on Linux's: compiled for each with the numbers of its own headers.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SocketSystem } from "../../src/sockets/of-form.ts";

export type BsdPlatform = "darwin" | "freebsd";

const PACKAGES = join(import.meta.dirname, "..", "..", "..");
const TABLES: Readonly<Record<BsdPlatform, string>> = {
  darwin: join(PACKAGES, "tun-darwin/test/abi/darwin-arm64.json"),
  freebsd: join(PACKAGES, "tun-bsd/test/abi/freebsd-x64.json"),
};

/** What the tables leave out: bsd/sys/socket.h, bsd/sys/errno.h, bsd/netinet6/in6.h, bsd/sys/syslimits.h. */
const BOTH = {
  SO_ERROR: 0x1007,
  SO_LINGER: 0x80,
  IPV6_V6ONLY: 27,
  ECONNRESET: 54,
  ETIMEDOUT: 60,
  ECONNREFUSED: 61,
  ENOPROTOOPT: 42,
};
const EXTRA: Readonly<Record<BsdPlatform, Readonly<Record<string, number>>>> = {
  darwin: { ...BOTH, SO_NOSIGPIPE: 0x1022, MSG_NOSIGNAL: 0, OPEN_MAX: 10_240 },
  freebsd: { ...BOTH, MSG_NOSIGNAL: 0x2_0000 },
};

/** The numbers of a system, as its own headers have them. */
export function bsdNumbers(platform: BsdPlatform): ReadonlyMap<string, number> {
  const table = JSON.parse(readFileSync(TABLES[platform], "utf8")) as {
    readonly constants: Readonly<Record<string, { readonly value: number }>>;
  };
  const known = Object.entries(table.constants).map(([name, { value }]) => [name, value] as const);
  return new Map([...known, ...Object.entries(EXTRA[platform])]);
}

/** Where its compiler is; undefined: this machine has none. */
export const compiler = Bun.which("gcc") ?? Bun.which("cc") ?? undefined;

export class BsdKernel implements Disposable {
  readonly system: SocketSystem;
  readonly #folder = mkdtempSync(join(tmpdir(), "bunnel-sockets-"));

  /** @throws Error with what the compiler printed */
  constructor(platform: BsdPlatform, compile: string) {
    const library = join(this.#folder, "libc.so");
    const numbers = [...bsdNumbers(platform)].map(([name, value]) => `-DN_${name}=${value}`);
    const source = join(import.meta.dirname, "bsd-sockets.c");
    const words = [compile, "-shared", "-fPIC", "-O1", "-fno-builtin", "-Wl,-Bsymbolic", ...numbers];
    const { exitCode, stderr } = Bun.spawnSync([...words, "-o", library, source]);
    if (exitCode !== 0) throw new Error(stderr.toString());
    this.system = { platform, libraries: [library] };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}
