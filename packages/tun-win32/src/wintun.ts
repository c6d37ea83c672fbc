// Wintun: adapters and sessions. Source: wintun.h.
import { DeviceError } from "@bunnel/device";
import { pointer } from "@bunnel/ffi";
import {
  ERROR_ALREADY_EXISTS,
  ERROR_ALREADY_INITIALIZED,
  ERROR_FILE_NOT_FOUND,
  ERROR_NOT_FOUND,
  ERROR_OBJECT_ALREADY_EXISTS,
} from "./constants.ts";
import { windowsError } from "./errors.ts";
import { parseGuid } from "./guid.ts";
import { findWintun, windowsSetup, type WindowsSetup, type WindowsSetupOptions } from "./libraries.ts";
import type { WintunLogEntry } from "./options.ts";
import { logCallbackAddress, systemOf, type WindowsSystem, type WintunCalls } from "./sys.ts";
import { wideString } from "./wide-string.ts";

/** wintun.h WINTUN_LOGGER_LEVEL */
const LEVELS = ["info", "warning", "error"] as const;
/** The clock of Windows counts 100 ns from 1601; to 1970 these are its ticks, and in a millisecond those. */
const TICKS_TO_1970 = 116_444_736_000_000_000n;
const TICKS_PER_MS = 10_000n;

/** Wintun's DLL, found and opened. */
export interface Wintun {
  readonly system: WindowsSystem;
  readonly path: string;
  readonly calls: WintunCalls;
}

/**
 * Finds Wintun's DLL and opens it.
 * @throws DeviceError E_DEVICE_MISSING that says what was found instead, and where to get it
 */
export function openWintun(setup: WindowsSetup, folders?: readonly string[]): Wintun {
  const system = systemOf(setup);
  const path = findWintun(setup, folders);
  try {
    return { system, path, calls: system.wintun(path) };
  } catch (error) {
    throw new DeviceError(
      "E_DEVICE_MISSING",
      `${path}: expected the 14 functions of Wintun 0.14, found a library without them (${reasonOf(error)})`,
      0,
      { cause: error },
    );
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}

/** What an adapter is made with. */
export interface AdapterSpec {
  readonly name: string;
  readonly tunnelType: string;
  readonly guid: string;
  /** Only a new one will do. */
  readonly exclusive: boolean;
}

/** A Wintun adapter that is open here. It goes when it is closed, if it was made here. */
export class WintunAdapter {
  readonly luid: bigint;

  private constructor(
    readonly wintun: Wintun,
    readonly handle: number,
  ) {
    const luid = new BigUint64Array(1);
    wintun.calls.WintunGetAdapterLUID(pointer(handle), luid);
    this.luid = luid[0] ?? 0n;
  }

  /**
   * Makes an adapter, or takes over the one of that name that an earlier process left.
   * @throws DeviceError E_DEVICE_DENIED without the rights of an administrator, E_DEVICE_BUSY when the name is taken,
   * E_DEVICE_SYSTEM otherwise
   */
  static create(wintun: Wintun, { name, tunnelType, guid, exclusive }: AdapterSpec): WintunAdapter {
    const made = wintun.calls.WintunCreateAdapter(wideString(name), wideString(tunnelType), parseGuid(guid));
    if (made !== null) return new WintunAdapter(wintun, Number(made));
    const error = wintun.system.kernel32().GetLastError();
    const isThere = error === ERROR_ALREADY_EXISTS || error === ERROR_OBJECT_ALREADY_EXISTS;
    const left = isThere && !exclusive ? wintun.calls.WintunOpenAdapter(wideString(name)) : null;
    if (left !== null) return new WintunAdapter(wintun, Number(left));
    if (!isThere) throw windowsError(`making the adapter "${name}"`, error);
    throw new DeviceError("E_DEVICE_BUSY", `adapter "${name}": expected a free name, found one that is taken`, error);
  }

  /** @throws DeviceError E_DEVICE_GONE when there is none, E_DEVICE_DENIED */
  static open(wintun: Wintun, name: string): WintunAdapter {
    const found = wintun.calls.WintunOpenAdapter(wideString(name));
    if (found !== null) return new WintunAdapter(wintun, Number(found));
    const error = wintun.system.kernel32().GetLastError();
    if (error === ERROR_NOT_FOUND || error === ERROR_FILE_NOT_FOUND) {
      throw new DeviceError("E_DEVICE_GONE", `adapter "${name}": expected a Wintun adapter, found none`, error);
    }
    throw windowsError(`opening the adapter "${name}"`, error);
  }

  /**
   * The session's handle; one at a time.
   * @throws DeviceError E_DEVICE_BUSY when a process has one
   */
  startSession(ringBytes: number, name: string): number {
    const session = this.wintun.calls.WintunStartSession(pointer(this.handle), ringBytes);
    if (session !== null) return Number(session);
    const error = this.wintun.system.kernel32().GetLastError();
    if (error !== ERROR_ALREADY_INITIALIZED) throw windowsError(`starting a session on "${name}"`, error);
    throw new DeviceError("E_DEVICE_BUSY", `adapter "${name}": expected it free, found it in use`, error);
  }

  close(): void {
    this.wintun.calls.WintunCloseAdapter(pointer(this.handle));
  }
}

/** Where Wintun is, and which version of its driver runs. */
export interface WintunOptions {
  readonly folders?: readonly string[];
  readonly setup?: WindowsSetupOptions;
}

/**
 * Version of Wintun's driver, "0.14"; undefined: it is not loaded, for no adapter was made yet.
 * @throws DeviceError E_DEVICE_MISSING without its DLL, E_DEVICE_SYSTEM
 */
export function wintunVersion({ folders, setup }: WintunOptions = {}): string | undefined {
  const { calls, system } = openWintun(windowsSetup(setup), folders);
  const version = calls.WintunGetRunningDriverVersion();
  if (version !== 0) return `${version >>> 16}.${version & 0xffff}`;
  const error = system.kernel32().GetLastError();
  if (error === ERROR_FILE_NOT_FOUND) return undefined;
  throw windowsError("asking for the version of Wintun's driver", error);
}

/**
 * Removes Wintun's driver from the system. Nothing else does: other programs may use it, too.
 * @throws DeviceError E_DEVICE_SYSTEM while an adapter exists, E_DEVICE_DENIED
 */
export function deleteWintunDriver({ folders, setup }: WintunOptions = {}): void {
  const { calls, system } = openWintun(windowsSetup(setup), folders);
  if (calls.WintunDeleteDriver() !== 0) return;
  throw windowsError("removing Wintun's driver", system.kernel32().GetLastError());
}

/** From now on `listener` hears of each entry of the driver's log; undefined: nobody does. One listener per process. */
export function logWintun({ calls }: Wintun, listener: ((entry: WintunLogEntry) => void) | undefined): void {
  if (!listener) {
    calls.WintunSetLogger(null);
    return;
  }
  const address = logCallbackAddress((level, ticks) => {
    const time = new Date(Number((ticks - TICKS_TO_1970) / TICKS_PER_MS));
    listener({ level: LEVELS[level] ?? "error", time });
  });
  calls.WintunSetLogger(address);
}
