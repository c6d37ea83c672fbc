// The double in the place of Windows' libraries, and its other side in the hands of a test. Under Wine kernel32 and
// advapi32 are Wine's own.
import { library } from "@bunnel/ffi";
import type { WindowsSetupOptions } from "../src/libraries.ts";
import { wideString } from "../src/wide-string.ts";
import { buildForLinux, type DoubleKind } from "./build-double.ts";

/** Where the DLL lies when the tests run under Wine. */
export const WINE_DOUBLE = "BUNNEL_TEST_DOUBLE";

const DOUBLE = {
  double_wire: { args: ["i32"], returns: "void" },
  double_inject: { args: ["u64", "ptr", "u32"], returns: "void" },
  double_take: { args: ["u64", "ptr", "u32"], returns: "i32" },
  double_orphan: { args: ["ptr"], returns: "void" },
  double_written: { args: ["u64"], returns: "u32" },
  double_remove: { args: ["u64"], returns: "void" },
  double_fail: { args: ["cstring", "u32"], returns: "void" },
  double_record: { args: ["ptr", "u32"], returns: "u32" },
  double_violations: { args: ["ptr", "u32"], returns: "u32" },
  double_open: { args: [], returns: "i32" },
  double_tap: { args: ["u32", "ptr"], returns: "u64" },
  double_tap_remove: { args: ["u64"], returns: "void" },
} as const;

const TEXT_BYTES = 1 << 16;
const PACKET_BYTES = 1 << 16;

export const isWine = process.platform === "win32";

export class World {
  readonly path: string;
  readonly setup: WindowsSetupOptions;
  readonly #calls;
  readonly #packet = new Uint8Array(PACKET_BYTES);

  /** @param wired the test is the other side; otherwise a Linux device is */
  constructor(
    readonly wired: boolean,
    kind: DoubleKind = "plain",
  ) {
    this.path = isWine ? (process.env[WINE_DOUBLE] ?? "") : buildForLinux(kind);
    const { path } = this;
    const own = { iphlpapi: path, wintun: path, dnsapi: path, deviceControl: path };
    this.setup = {
      libraries: isWine ? own : { ...own, kernel32: path, advapi32: path },
      architecture: kind === "guidInRegisters" ? "arm64" : "x64",
      tapPrefix: isWine ? "\\\\.\\pipe\\" : "\\\\.\\double\\",
    };
    this.#calls = library(path, DOUBLE)();
    this.#calls.double_wire(wired ? 1 : 0);
  }

  /** A packet for the adapter to read. */
  inject(luid: bigint, packet: Uint8Array): void {
    this.#calls.double_inject(luid, packet, packet.length);
  }

  /** The next packet that the adapter wrote. */
  take(luid: bigint): Uint8Array | undefined {
    const bytes = this.#calls.double_take(luid, this.#packet, PACKET_BYTES);
    return bytes < 0 ? undefined : this.#packet.slice(0, bytes);
  }

  /** An adapter that a killed process left. */
  addOrphan(name: string): void {
    this.#calls.double_orphan(wideString(name));
  }

  /** Packets that the adapter wrote. */
  written(luid: bigint): number {
    return this.#calls.double_written(luid);
  }

  /** Somebody takes the adapter away while it is open. */
  remove(luid: bigint): void {
    this.#calls.double_remove(luid);
  }

  /** The next call of this name gives this error. */
  fail(call: string, error: number): void {
    this.#calls.double_fail(Buffer.from(`${call}\0`), error);
  }

  /** What the double has decoded since the last time, line by line. */
  record(): string[] {
    const text = Buffer.alloc(TEXT_BYTES);
    const bytes = this.#calls.double_record(text, TEXT_BYTES);
    return text
      .toString("utf8", 0, bytes)
      .split("\n")
      .filter((line) => line !== "");
  }

  /** Uses that the real libraries forbid. */
  violations(): string[] {
    const text = Buffer.alloc(TEXT_BYTES);
    const bytes = this.#calls.double_violations(text, TEXT_BYTES);
    return text
      .toString("utf8", 0, bytes)
      .split("\n")
      .filter((line) => line !== "");
  }

  /** How much of what the system gave is still held: adapters, sessions, packets, tables, registrations, handles. */
  held(): number {
    return this.#calls.double_open();
  }

  /** A TAP adapter that Windows has. */
  addTap(number: number, name: string): bigint {
    return this.#calls.double_tap(number, wideString(name));
  }

  removeTap(luid: bigint): void {
    this.#calls.double_tap_remove(luid);
  }
}
