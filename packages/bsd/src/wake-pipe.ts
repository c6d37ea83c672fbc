// What ends a wait in poll(2): a pipe to oneself. Systems without eventfd have nothing lighter that any thread may use.
import { systemError } from "./errors.ts";
import type { Calls } from "./sys.ts";

const ONE = Uint8Array.of(1);
/** A pipe holds 64 KiB at most where it was not told otherwise. */
const DRAIN_BYTES = 4096;
const DRAINS_MAX = 64;

export interface WakePipe {
  readonly reading: number;
  readonly writing: number;
}

/** @throws DeviceError E_DEVICE_SYSTEM when the process has no descriptor left */
export function openWakePipe(calls: Calls): WakePipe {
  const ends = calls.pipe();
  if (!ends) throw systemError("opening a pipe", calls.errno());
  const [reading, writing] = ends;
  return { reading, writing };
}

/** Makes the reading end readable. A pipe that is full is readable already. */
export function raise(calls: Calls, { writing }: WakePipe): void {
  calls.write(writing, ONE);
}

/** Makes the reading end not readable, however often it was raised. */
export function lower(calls: Calls, { reading }: WakePipe): void {
  const drain = new Uint8Array(new ArrayBuffer(DRAIN_BYTES));
  for (let i = 0; i < DRAINS_MAX && calls.read(reading, drain) === DRAIN_BYTES; i++);
}

export function closeWakePipe(calls: Calls, { reading, writing }: WakePipe): void {
  calls.close(writing);
  calls.close(reading);
}
