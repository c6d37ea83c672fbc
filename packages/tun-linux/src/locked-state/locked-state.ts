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
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { DeviceError } from "@bunnel/device";
import { errnoName } from "@bunnel/ffi";
import { fileError } from "./file-error.ts";
import { LOCKED, lockFile } from "./sys.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_WRONLY } = constants;
const OWNER_ONLY = 0o600;
const OTHERS_MAY_WRITE = 0o022;

/** How a state stands in its file. */
export interface StateForm<T extends object> {
  /** A file of another version is not read. */
  readonly version: number;
  /** The state; or, for what is none, what was expected in its place. */
  readonly parse: (value: Readonly<Record<string, unknown>>) => T | string;
}

/** The state file while we hold its lock. */
export class LockedState<T extends object> implements Disposable {
  readonly path: string;
  readonly #form: StateForm<T>;
  #lock: number | undefined;

  private constructor(path: string, lock: number, form: StateForm<T>) {
    this.path = path;
    this.#lock = lock;
    this.#form = form;
  }

  /**
   * Takes the lock, and makes the directory (0700) where there is none. Undefined: a living process has it.
   * @throws DeviceError E_DEVICE_DENIED without the right to make the files
   */
  static claim<T extends object>(path: string, form: StateForm<T>): LockedState<T> | undefined {
    const lockPath = `${path}.lock`;
    let lock: number;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      lock = openSync(lockPath, O_RDWR | O_CREAT | O_NOFOLLOW, OWNER_ONLY);
    } catch (error) {
      throw fileError(`opening ${lockPath}`, error);
    }
    const errno = lockFile(lock);
    if (errno === 0) return new LockedState(path, lock, form);
    closeSync(lock);
    if (errno === LOCKED) return undefined;
    throw new DeviceError("E_DEVICE_SYSTEM", `locking ${lockPath} failed with ${errnoName(errno)}`, errno);
  }

  /**
   * What the last owner left, or undefined.
   * @throws DeviceError E_DEVICE_STATE when it is not ours to trust or does not read as a state
   */
  read(): T | undefined {
    let fd: number;
    try {
      fd = openSync(this.path, O_RDONLY | O_NOFOLLOW);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw this.#refuse("a file that can be read", error);
    }
    try {
      const status = fstatSync(fd);
      if (!status.isFile() || status.uid !== process.geteuid?.() || (status.mode & OTHERS_MAY_WRITE) !== 0) {
        throw this.#refuse("a file that only we can write");
      }
      return this.#stateOf(readFileSync(fd, "utf8"));
    } finally {
      closeSync(fd);
    }
  }

  /** Replaces the file in one step; it is on the disk when this returns. */
  write(state: T): void {
    const draft = `${this.path}.new`;
    try {
      // Under the lock the only draft there can be is that of a killed process.
      rmSync(draft, { force: true });
      const fd = openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, OWNER_ONLY);
      try {
        writeFileSync(fd, `${JSON.stringify({ version: this.#form.version, pid: process.pid, ...state })}\n`);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(draft, this.path);
    } catch (error) {
      throw fileError(`writing ${this.path}`, error);
    }
  }

  /** Removes the file: nothing is left to put back. */
  clear(): void {
    rmSync(this.path, { force: true });
  }

  /** Gives the lock back. A second call does nothing. */
  [Symbol.dispose](): void {
    if (this.#lock === undefined) return;
    closeSync(this.#lock);
    this.#lock = undefined;
  }

  #stateOf(text: string): T {
    const { version, parse } = this.#form;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw this.#refuse("JSON", error);
    }
    if (!isRecord(value) || value["version"] !== version) throw this.#refuse(`a state of version ${version}`);
    const state = parse(value);
    if (typeof state === "string") throw this.#refuse(state);
    return state;
  }

  #refuse(expected: string, cause?: unknown): DeviceError {
    const message = `${this.path}: expected ${expected}; remove the file if it is not needed`;
    return new DeviceError("E_DEVICE_STATE", message, 0, cause === undefined ? {} : { cause });
  }
}

/** An object of JSON, and not a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
