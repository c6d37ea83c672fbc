// What must be put back when a process was killed, in a file that is always whole: written beside it, then renamed.
//
// A lock on a second file says that its owner lives. The system drops it with the process, whatever ends it, so that no
// process number has to be trusted. The lock file stays: removing it would let two processes hold two locks.
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { DeviceError } from "@bunnel/device";
import { errnoName } from "@bunnel/ffi";
import { LOCKED, lockFile } from "./sys.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_WRONLY } = constants;
const OWNER_ONLY = 0o600;
const OTHERS_MAY_WRITE = 0o022;
const VERSION = 1;

// asm-generic/errno-base.h
const EPERM = 1;
const EACCES = 13;

/** IFNAMSIZ of linux/if.h without the NUL; no slash, no dot at the start: the name becomes part of a path. */
const INTERFACE_NAME = /^(?!\.)[^/\s\0]{1,15}$/;

/** A reverse-path filter that was changed. */
export interface SavedFilter {
  readonly interfaceName: string;
  /** What it was. */
  readonly before: number;
  /** What we set it to; any other value found later is somebody else's. */
  readonly ours: number;
}

export interface InterceptionState {
  /** The network namespace that everything here is about, as `currentNamespace` names it. */
  readonly namespace: string;
  readonly filters: readonly SavedFilter[];
  /** Destinations that have a rule of their own, because they are left alone. */
  readonly exceptions: readonly string[];
}

/** The network namespace that the calling thread is in. */
export function currentNamespace(): string {
  return readlinkSync("/proc/thread-self/ns/net");
}

/** The state file while we hold its lock. */
export class StateFile implements Disposable {
  readonly path: string;
  #lock: number | undefined;

  private constructor(path: string, lock: number) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Takes the lock, and makes the directory (0700) where there is none.
   * @throws DeviceError E_DEVICE_BUSY when a living interception holds it, E_DEVICE_DENIED without the right to make it
   */
  static claim(path: string): StateFile {
    const lockPath = `${path}.lock`;
    let lock: number;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      lock = openSync(lockPath, O_RDWR | O_CREAT | O_NOFOLLOW, OWNER_ONLY);
    } catch (error) {
      const errno = errnoOf(error);
      const code = errno === EPERM || errno === EACCES ? "E_DEVICE_DENIED" : "E_DEVICE_SYSTEM";
      throw new DeviceError(code, `${lockPath}: cannot be opened, ${errnoName(errno)}`, errno, { cause: error });
    }
    const failed = lockFile(lock);
    if (failed === 0) return new StateFile(path, lock);
    closeSync(lock);
    if (failed === LOCKED) {
      throw new DeviceError("E_DEVICE_BUSY", `interception: another bunnel is running (it holds ${lockPath})`, failed);
    }
    throw new DeviceError("E_DEVICE_SYSTEM", `${lockPath}: cannot be locked, ${errnoName(failed)}`, failed);
  }

  /**
   * What the last owner left, or undefined.
   * @throws DeviceError E_DEVICE_STATE when it is not ours to trust or does not read as a state
   */
  read(): InterceptionState | undefined {
    let fd: number;
    try {
      fd = openSync(this.path, O_RDONLY | O_NOFOLLOW);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw new DeviceError("E_DEVICE_STATE", `${this.path}: cannot be read`, errnoOf(error), {
        cause: error,
      });
    }
    try {
      const status = fstatSync(fd);
      if (!status.isFile() || status.uid !== process.geteuid?.() || (status.mode & OTHERS_MAY_WRITE) !== 0) {
        throw new DeviceError("E_DEVICE_STATE", `${this.path}: expected a file that only we can write`);
      }
      return parseState(readFileSync(fd, "utf8"), this.path);
    } finally {
      closeSync(fd);
    }
  }

  /** Replaces the file in one step; it is on the disk when this returns. */
  write(state: InterceptionState): void {
    const draft = `${this.path}.new`;
    // Under the lock the only draft there can be is that of a killed process.
    removeFile(draft);
    const fd = openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, OWNER_ONLY);
    try {
      writeFileSync(fd, `${JSON.stringify({ version: VERSION, pid: process.pid, ...state })}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, this.path);
  }

  /** Removes the file: nothing is left to put back. */
  clear(): void {
    removeFile(this.path);
  }

  /** Gives the lock back. A second call does nothing. */
  [Symbol.dispose](): void {
    if (this.#lock === undefined) return;
    closeSync(this.#lock);
    this.#lock = undefined;
  }
}

/**
 * Reads a state from its text.
 * @throws DeviceError E_DEVICE_STATE that says what was expected
 */
export function parseState(text: string, path: string): InterceptionState {
  const refuse = (expected: string): DeviceError =>
    new DeviceError("E_DEVICE_STATE", `${path}: expected ${expected}; remove the file if it is not needed`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse("JSON");
  }
  if (!isRecord(value) || value["version"] !== VERSION) throw refuse(`a state of version ${VERSION}`);
  const { namespace, filters, exceptions } = value;
  if (typeof namespace !== "string") throw refuse("the name of a network namespace");
  if (!Array.isArray(filters) || !filters.every(isSavedFilter)) throw refuse("a list of reverse-path filters");
  if (!Array.isArray(exceptions) || !exceptions.every((item) => typeof item === "string")) {
    throw refuse("a list of destinations");
  }
  return { namespace, filters, exceptions };
}

function isSavedFilter(value: unknown): value is SavedFilter {
  if (!isRecord(value)) return false;
  const { interfaceName, before, ours } = value;
  const isName = typeof interfaceName === "string" && INTERFACE_NAME.test(interfaceName);
  return isName && [before, ours].every((filter) => filter === 0 || filter === 1 || filter === 2);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}

function errnoOf(error: unknown): number {
  return error instanceof Error && "errno" in error && typeof error.errno === "number" ? Math.abs(error.errno) : 0;
}
