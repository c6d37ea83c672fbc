// The fake kernel, compiled for one system and loaded into this process.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cString, library } from "@bunnel/ffi";
import { numbersHeader, type AbiTable } from "./tables.ts";
import { TestNamespace } from "./sys.ts";

const SOURCES = ["calls.c", "interface.c", "linux.c", "objects.c", "routes.c"];
const FOLDER = join(import.meta.dirname, "kernel");
const LOG_BYTES = 1 << 20;

export interface KernelOptions {
  readonly table: AbiTable;
  /** What the system's headers do not name, or this table leaves out. */
  readonly extra: Readonly<Record<string, number>>;
  readonly errnoLocation: string;
  /** The system's own part: C files. */
  readonly sources: readonly string[];
  /** "stack": variadic arguments are looked for where Apple's arm64 code looks for them. Default "registers". */
  readonly variadic?: "registers" | "stack";
  /** Exports `__ioctl` and `__fcntl`, too. Default false. */
  readonly stubs?: boolean;
}

export class Kernel implements Disposable {
  readonly namespace = TestNamespace.create();
  readonly path: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "bunnel-kernel-"));
  readonly #calls;

  /** @throws Error with the compiler's words */
  constructor(options: KernelOptions) {
    // A library of its own name has a state of its own.
    this.path = join(this.#folder, "kernel.so");
    copyFileSync(compile(options), this.path);
    this.#calls = library(this.path, {
      kernel_refuse: { args: ["ptr", "u64", "i32", "i32"], returns: "void" },
      kernel_relent: { args: [], returns: "void" },
      kernel_namespace: { args: ["i32"], returns: "void" },
      kernel_privilege: { args: ["i32"], returns: "void" },
      kernel_log: { args: ["ptr", "i32"], returns: "i32" },
      kernel_open_descriptors: { args: [], returns: "i32" },
      kernel_opened_ever: { args: [], returns: "i32" },
      kernel_interfaces: { args: [], returns: "i32" },
      kernel_routes: { args: [], returns: "i32" },
    });
    this.#calls().kernel_namespace(this.namespace.fd);
  }

  /** The next `count` calls fail with the errno. @param code of an ioctl its request, of a socket its family, else 0 */
  refuse(call: string, code: number, errno: number, count = 1): void {
    this.#calls().kernel_refuse(cString(call), code, errno, count);
  }

  /** Nothing is refused any more that was asked for. */
  relent(): void {
    this.#calls().kernel_relent();
  }

  /** What needs root is refused until it is given back. */
  withoutPrivilege<T>(work: () => T): T {
    this.#calls().kernel_privilege(0);
    try {
      return work();
    } finally {
      this.#calls().kernel_privilege(1);
    }
  }

  /** The calls since the last time, one line each. */
  log(): string[] {
    const octets = new Uint8Array(LOG_BYTES);
    const bytes = this.#calls().kernel_log(octets, octets.length);
    return new TextDecoder().decode(octets.subarray(0, bytes)).split("\n").slice(0, -1);
  }

  /** What is held now: all of it must be gone when everything is closed. */
  held(): { readonly descriptors: number; readonly interfaces: number; readonly routes: number } {
    const calls = this.#calls();
    return {
      descriptors: calls.kernel_open_descriptors(),
      interfaces: calls.kernel_interfaces(),
      routes: calls.kernel_routes(),
    };
  }

  get openedEver(): number {
    return this.#calls().kernel_opened_ever();
  }

  [Symbol.dispose](): void {
    this.namespace[Symbol.dispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** What was compiled in this process, by what it was compiled from. */
const compiled = new Map<string, string>();
const compiledFolder = mkdtempSync(join(tmpdir(), "bunnel-kernels-"));
process.on("exit", () => rmSync(compiledFolder, { recursive: true, force: true }));

/** The library, compiled once in each process. @throws Error with the compiler's words */
function compile({ table, extra, errnoLocation, sources, variadic, stubs }: KernelOptions): string {
  const numbers = numbersHeader(table, extra);
  const defines = [
    `-DERRNO_LOCATION=${errnoLocation}`,
    ...(variadic === "stack" ? ["-DSTACK_ARGUMENT"] : []),
    ...(stubs ? ["-DSTUBS"] : []),
  ];
  const key = [numbers, ...defines, ...sources].join("\n");
  const found = compiled.get(key);
  if (found !== undefined) return found;
  const folder = mkdtempSync(join(compiledFolder, "kernel-"));
  writeFileSync(join(folder, "numbers.h"), numbers);
  const path = join(folder, "kernel.so");
  const files = [...SOURCES.map((name) => join(FOLDER, name)), ...sources];
  const flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-fvisibility=hidden", "-std=gnu11"];
  const includes = [`-I${folder}`, `-I${FOLDER}`];
  const { exitCode, stderr } = Bun.spawnSync(["gcc", ...flags, ...includes, ...defines, ...files, "-o", path]);
  if (exitCode !== 0) throw new Error(`the fake kernel did not compile: ${stderr.toString()}`);
  compiled.set(key, path);
  return path;
}
