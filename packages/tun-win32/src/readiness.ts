// Waiting for a handle without blocking the event loop: a thread of the system waits, and tells.
import { windowsError } from "./errors.ts";
import { INFINITE, WT_EXECUTEINWAITTHREAD, WT_EXECUTEONLYONCE } from "./constants.ts";
import { forget, listen, unregisterWait, waitCallbackAddress, type WindowsSystem } from "./sys.ts";
import { pointer } from "@bunnel/ffi";

/** Nobody waits so long; the timer only keeps the event loop alive. */
const KEEP_ALIVE_MS = 0x7fff_ffff;

/** A wait that was asked for. `promise` resolves when the handle was signalled, or when the wait was cancelled. */
export interface SignalWait {
  readonly promise: Promise<void>;
  /** Ends it. When it returns, no thread of the system uses the handle any more. A second call does nothing. */
  readonly cancel: () => void;
}

/** @throws DeviceError E_DEVICE_SYSTEM when the system has no thread left to wait */
export function whenSignalled(system: WindowsSystem, handle: number): SignalWait {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isUnderWay = true;
  const context = listen(() => end());
  const wait = new BigUint64Array(1);
  const flags = WT_EXECUTEINWAITTHREAD | WT_EXECUTEONLYONCE;
  const { RegisterWaitForSingleObject, GetLastError } = system.kernel32();
  const callback = waitCallbackAddress();
  if (RegisterWaitForSingleObject(wait, handle, callback, pointer(context), INFINITE, flags) === 0) {
    const error = GetLastError();
    forget(context);
    throw windowsError("waiting for a packet", error);
  }
  // A thread of the system does not keep the process alive by itself.
  const keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
  function end(): void {
    if (!isUnderWay) return;
    isUnderWay = false;
    forget(context);
    clearInterval(keepAlive);
    unregisterWait(system, Number(wait[0]));
    resolve();
  }
  return { promise, cancel: end };
}
