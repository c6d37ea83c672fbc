// The one place of this package that calls C. Numbers cross this edge; errors are made above it. HANDLEs are 64-bit
// numbers and never pointers; sizes of memory cross as addresses do, which is the fast way through FFI.
import { FFIType, JSCallback, type Pointer } from "bun:ffi";
import { addressOf, library, pointer, type Symbols } from "@bunnel/ffi";
import type { WindowsSetup } from "./libraries.ts";

// processthreadsapi.h, synchapi.h, handleapi.h, fileapi.h, ioapiset.h, winnt.h
const KERNEL32 = {
  GetLastError: { args: [], returns: "u32" },
  CreateEventW: { args: ["ptr", "i32", "i32", "ptr"], returns: "u64" },
  SetEvent: { args: ["u64"], returns: "i32" },
  CloseHandle: { args: ["u64"], returns: "i32" },
  WaitForSingleObject: { args: ["u64", "u32"], returns: "u32" },
  WaitForMultipleObjects: { args: ["u32", "ptr", "i32", "u32"], returns: "u32" },
  RegisterWaitForSingleObject: { args: ["ptr", "u64", "ptr", "ptr", "u32", "u32"], returns: "i32" },
  UnregisterWaitEx: { args: ["u64", "u64"], returns: "i32" },
  RtlMoveMemory: { args: ["ptr", "ptr", "ptr"], returns: "void" },
  CreateFileW: { args: ["ptr", "u32", "u32", "ptr", "u32", "u32", "u64"], returns: "u64" },
  ReadFile: { args: ["u64", "ptr", "u32", "ptr", "ptr"], returns: "i32" },
  WriteFile: { args: ["u64", "ptr", "u32", "ptr", "ptr"], returns: "i32" },
  GetOverlappedResult: { args: ["u64", "ptr", "ptr", "i32"], returns: "i32" },
  CancelIoEx: { args: ["u64", "ptr"], returns: "i32" },
} as const;

const DEVICE_CONTROL = {
  DeviceIoControl: { args: ["u64", "u32", "ptr", "u32", "ptr", "u32", "ptr", "ptr"], returns: "i32" },
} as const;

// wintun.h: the 14 functions that its DLL exports.
const WINTUN = {
  WintunCreateAdapter: { args: ["ptr", "ptr", "ptr"], returns: "ptr" },
  WintunOpenAdapter: { args: ["ptr"], returns: "ptr" },
  WintunCloseAdapter: { args: ["ptr"], returns: "void" },
  WintunDeleteDriver: { args: [], returns: "i32" },
  WintunGetAdapterLUID: { args: ["ptr", "ptr"], returns: "void" },
  WintunGetRunningDriverVersion: { args: [], returns: "u32" },
  WintunSetLogger: { args: ["ptr"], returns: "void" },
  WintunStartSession: { args: ["ptr", "u32"], returns: "ptr" },
  WintunEndSession: { args: ["ptr"], returns: "void" },
  WintunGetReadWaitEvent: { args: ["ptr"], returns: "u64" },
  WintunReceivePacket: { args: ["ptr", "ptr"], returns: "ptr" },
  WintunReleaseReceivePacket: { args: ["ptr", "ptr"], returns: "void" },
  WintunAllocateSendPacket: { args: ["ptr", "u32"], returns: "ptr" },
  WintunSendPacket: { args: ["ptr", "ptr"], returns: "void" },
} as const;

// netioapi.h: all give the error itself and leave GetLastError alone.
const IPHLPAPI = {
  InitializeUnicastIpAddressEntry: { args: ["ptr"], returns: "void" },
  CreateUnicastIpAddressEntry: { args: ["ptr"], returns: "u32" },
  DeleteUnicastIpAddressEntry: { args: ["ptr"], returns: "u32" },
  GetUnicastIpAddressTable: { args: ["u16", "ptr"], returns: "u32" },
  FreeMibTable: { args: ["ptr"], returns: "void" },
  InitializeIpInterfaceEntry: { args: ["ptr"], returns: "void" },
  GetIpInterfaceEntry: { args: ["ptr"], returns: "u32" },
  SetIpInterfaceEntry: { args: ["ptr"], returns: "u32" },
  GetIfTable2: { args: ["ptr"], returns: "u32" },
  GetIfEntry2: { args: ["ptr"], returns: "u32" },
  InitializeIpForwardEntry: { args: ["ptr"], returns: "void" },
  CreateIpForwardEntry2: { args: ["ptr"], returns: "u32" },
  DeleteIpForwardEntry2: { args: ["ptr"], returns: "u32" },
  GetIpForwardTable2: { args: ["u16", "ptr"], returns: "u32" },
  GetBestRoute2: { args: ["ptr", "u32", "ptr", "ptr", "u32", "ptr", "ptr"], returns: "u32" },
  GetIpNetTable2: { args: ["u16", "ptr"], returns: "u32" },
  CreateIpNetEntry2: { args: ["ptr"], returns: "u32" },
  DeleteIpNetEntry2: { args: ["ptr"], returns: "u32" },
  ConvertInterfaceLuidToIndex: { args: ["ptr", "ptr"], returns: "u32" },
  ConvertInterfaceIndexToLuid: { args: ["u32", "ptr"], returns: "u32" },
  ConvertInterfaceLuidToGuid: { args: ["ptr", "ptr"], returns: "u32" },
  ConvertInterfaceLuidToAlias: { args: ["ptr", "ptr", "ptr"], returns: "u32" },
  ConvertInterfaceAliasToLuid: { args: ["ptr", "ptr"], returns: "u32" },
  NotifyIpInterfaceChange: { args: ["u16", "ptr", "ptr", "u8", "ptr"], returns: "u32" },
  NotifyUnicastIpAddressChange: { args: ["u16", "ptr", "ptr", "u8", "ptr"], returns: "u32" },
  NotifyRouteChange2: { args: ["u16", "ptr", "ptr", "u8", "ptr"], returns: "u32" },
  CancelMibChangeNotify2: { args: ["u64"], returns: "u32" },
} as const;

// SetInterfaceDnsSettings takes a GUID by value: the x64 convention passes the address of a copy, the arm64 convention
// passes its two halves in registers. It came with Windows 10 2004, so it is asked for by itself.
const DNS_X64 = { SetInterfaceDnsSettings: { args: ["ptr", "ptr"], returns: "u32" } } as const;
const DNS_ARM64 = { SetInterfaceDnsSettings: { args: ["u64", "u64", "ptr"], returns: "u32" } } as const;

const DNSAPI = { DnsFlushResolverCache: { args: [], returns: "i32" } } as const;

// winreg.h
const ADVAPI32 = {
  RegOpenKeyExW: { args: ["u64", "ptr", "u32", "u32", "ptr"], returns: "u32" },
  RegEnumKeyExW: { args: ["u64", "u32", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr"], returns: "u32" },
  RegQueryValueExW: { args: ["u64", "ptr", "ptr", "ptr", "ptr", "ptr"], returns: "u32" },
  RegCloseKey: { args: ["u64"], returns: "u32" },
} as const;

/** The libraries of one setup, each opened by its first call. */
export interface WindowsSystem {
  readonly setup: WindowsSetup;
  readonly kernel32: () => Symbols<typeof KERNEL32>;
  readonly deviceControl: () => Symbols<typeof DEVICE_CONTROL>;
  readonly iphlpapi: () => Symbols<typeof IPHLPAPI>;
  readonly advapi32: () => Symbols<typeof ADVAPI32>;
  readonly dnsapi: () => Symbols<typeof DNSAPI>;
  /** Wintun's own, from a DLL that was found. */
  wintun(path: string): Symbols<typeof WINTUN>;
  /** 0, or the error. @throws Error where Windows is too old to have the call */
  setInterfaceDnsSettings(guid: Uint8Array, settings: Uint8Array): number;
}

export type WintunCalls = Symbols<typeof WINTUN>;
export type IphlpapiCalls = Symbols<typeof IPHLPAPI>;

const systems = new Map<string, WindowsSystem>();

/** The system of a setup; the same each time, so that each library is opened once. */
export function systemOf(setup: WindowsSetup): WindowsSystem {
  const key = JSON.stringify(setup);
  let system = systems.get(key);
  if (!system) {
    system = makeSystem(setup);
    systems.set(key, system);
  }
  return system;
}

function makeSystem(setup: WindowsSetup): WindowsSystem {
  const { libraries } = setup;
  const wintuns = new Map<string, () => WintunCalls>();
  return {
    setup,
    kernel32: library(libraries.kernel32, KERNEL32),
    deviceControl: library(libraries.deviceControl, DEVICE_CONTROL),
    iphlpapi: library(libraries.iphlpapi, IPHLPAPI),
    advapi32: library(libraries.advapi32, ADVAPI32),
    dnsapi: library(libraries.dnsapi, DNSAPI),
    wintun(path) {
      const known = wintuns.get(path);
      if (known) return known();
      const opened = library(path, WINTUN);
      wintuns.set(path, opened);
      return opened();
    },
    setInterfaceDnsSettings: dnsCall(setup),
  };
}

function dnsCall({ libraries, architecture }: WindowsSetup): WindowsSystem["setInterfaceDnsSettings"] {
  if (architecture === "x64") {
    const call = library(libraries.iphlpapi, DNS_X64);
    return (guid, settings) => call().SetInterfaceDnsSettings(guid, settings);
  }
  const call = library(libraries.iphlpapi, DNS_ARM64);
  return (guid, settings) => {
    const halves = new DataView(guid.buffer, guid.byteOffset, guid.byteLength);
    const [low, high] = [halves.getBigUint64(0, true), halves.getBigUint64(8, true)];
    return call().SetInterfaceDnsSettings(low, high, settings);
  };
}

/** The names of Wintun's functions that the driver needs. */
export const WINTUN_NAMES: readonly string[] = Object.keys(WINTUN);

// --- memory ---

/** Copies `bytes` octets from an address that Windows gave. */
export function octetsAt(system: WindowsSystem, address: number, bytes: number): Uint8Array<ArrayBuffer> {
  const octets = new Uint8Array(new ArrayBuffer(bytes));
  if (bytes > 0) system.kernel32().RtlMoveMemory(octets, pointer(address), pointer(bytes));
  return octets;
}

// --- callbacks from threads of the system ---

type Listener = (first: number, second: number) => void;

/**
 * Listeners by the number that the system is given as context. The callbacks themselves are never closed: a call of a
 * foreign thread may be on its way when the listener leaves.
 */
const listeners = new Map<number, Listener>();
let lastContext = 0;
let waitCallback: JSCallback | undefined;
let changeCallback: JSCallback | undefined;
let logCallback: JSCallback | undefined;

/** A context under which the system's threads reach `listener`, until `forget`. */
export function listen(listener: Listener): number {
  lastContext++;
  listeners.set(lastContext, listener);
  return lastContext;
}

export function forget(context: number): void {
  listeners.delete(context);
}

function tell(context: unknown, second: number): void {
  listeners.get(Number(context))?.(Number(context), second);
}

/** winnt.h WAITORTIMERCALLBACK */
export function waitCallbackAddress(): Pointer {
  waitCallback ??= new JSCallback((context: unknown) => tell(context, 0), {
    args: [FFIType.ptr, FFIType.u8],
    returns: FFIType.void,
    threadsafe: true,
  });
  return addressOfCallback(waitCallback);
}

/** netioapi.h: the row is gone when JavaScript runs, so only that something changed is told. */
export function changeCallbackAddress(): Pointer {
  changeCallback ??= new JSCallback((context: unknown, _row: unknown, type: number) => tell(context, type), {
    args: [FFIType.ptr, FFIType.ptr, FFIType.i32],
    returns: FFIType.void,
    threadsafe: true,
  });
  return addressOfCallback(changeCallback);
}

/** wintun.h WINTUN_LOGGER_CALLBACK: level and time; the text is gone when JavaScript runs. */
export function logCallbackAddress(listener: (level: number, ticks: bigint) => void): Pointer {
  logListener = listener;
  logCallback ??= new JSCallback((level: number, ticks: bigint) => logListener(level, ticks), {
    args: [FFIType.i32, FFIType.u64, FFIType.ptr],
    returns: FFIType.void,
    threadsafe: true,
  });
  return addressOfCallback(logCallback);
}

let logListener: (level: number, ticks: bigint) => void = () => {};

function addressOfCallback({ ptr }: JSCallback): Pointer {
  if (ptr === null) throw new Error("callback: expected an address, found none");
  return ptr;
}

// --- handles ---

const INVALID_HANDLE_VALUE = 0xffff_ffff_ffff_ffffn;

/** An event that resets itself when it ends a wait; 0: none could be made. */
export function createEvent(system: WindowsSystem, manual = false): number {
  return Number(system.kernel32().CreateEventW(null, manual ? 1 : 0, 0, null));
}

/** A handle, or 0. */
export function openFile(system: WindowsSystem, path: Uint8Array, access: number, how: number, flags: number): number {
  const handle = system.kernel32().CreateFileW(path, access, 0, null, how, flags, 0);
  return handle === INVALID_HANDLE_VALUE ? 0 : Number(handle);
}

/** Ends a registered wait, and comes back when none of its callbacks runs any more. */
export function unregisterWait(system: WindowsSystem, wait: number): void {
  system.kernel32().UnregisterWaitEx(wait, INVALID_HANDLE_VALUE);
}

/** Two handles of which one ends a wait. */
export class HandlePair {
  readonly #handles = new BigUint64Array(2);
  readonly #address = addressOf(this.#handles);

  constructor(readonly system: WindowsSystem) {}

  /** The place of the handle that was signalled, 0 first; else WAIT_TIMEOUT or a failure. */
  wait(first: number, second: number, timeoutMs: number): number {
    this.#handles[0] = BigInt(first);
    this.#handles[1] = BigInt(second);
    return this.system.kernel32().WaitForMultipleObjects(2, pointer(this.#address), 0, timeoutMs);
  }
}
