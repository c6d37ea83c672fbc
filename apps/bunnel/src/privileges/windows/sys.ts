// The privileges in this process's token on Windows: processthreadsapi.h, securitybaseapi.h, winbase.h, winnt.h.
//
//   TOKEN_PRIVILEGES        count 4 | rows …
//   LUID_AND_ATTRIBUTES     low 4 | high 4 | attributes 4
//
// What is handed over is never stored to again, and what the system writes is read through its address.
import { read } from "bun:ffi";
import { addressOf, library, pointer } from "@bunnel/ffi";

const TOKEN_QUERY = 8;
const TOKEN_ADJUST_PRIVILEGES = 0x20;
/** TOKEN_INFORMATION_CLASS TokenPrivileges */
const TOKEN_PRIVILEGES = 3;
const SE_PRIVILEGE_REMOVED = 4;
const HEADER_BYTES = 4;
const ROW_BYTES = 12;
/** There are fewer than 64 privileges. */
const ROOM_BYTES = HEADER_BYTES + 64 * ROW_BYTES;

const kernel32 = library("kernel32.dll", {
  GetCurrentProcess: { args: [], returns: "ptr" },
  CloseHandle: { args: ["ptr"], returns: "i32" },
});
const advapi32 = library("advapi32.dll", {
  OpenProcessToken: { args: ["ptr", "u32", "ptr"], returns: "i32" },
  GetTokenInformation: { args: ["ptr", "i32", "ptr", "u32", "ptr"], returns: "i32" },
  LookupPrivilegeValueW: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  AdjustTokenPrivileges: { args: ["ptr", "i32", "ptr", "u32", "ptr", "ptr"], returns: "i32" },
});

/** A privilege by the number that this machine has for it. */
export type Privilege = bigint;

/** The token of this process while it is open. @throws Error where it cannot be opened */
export class ProcessToken implements Disposable {
  readonly #token: number;

  constructor() {
    const opened = new BigUint64Array(1);
    const [process, rights] = [kernel32().GetCurrentProcess(), TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES];
    if (advapi32().OpenProcessToken(process, rights, pointer(addressOf(opened))) === 0) {
      throw new Error("privileges: opening the process's token: expected it opened, found it refused");
    }
    this.#token = Number(read.u64(pointer(addressOf(opened)), 0));
  }

  /** What it has, in force or not. @throws Error where it cannot be read */
  privileges(): Privilege[] {
    const [room, used] = [new Uint8Array(ROOM_BYTES), new Uint32Array(1)];
    const at = pointer(addressOf(room));
    const usedAt = pointer(addressOf(used));
    const isRead = advapi32().GetTokenInformation(pointer(this.#token), TOKEN_PRIVILEGES, at, ROOM_BYTES, usedAt);
    if (isRead === 0) throw new Error("privileges: reading the process's token: expected them, found none");
    return Array.from({ length: read.u32(at, 0) }, (_, row) => read.u64(at, HEADER_BYTES + row * ROW_BYTES));
  }

  /** For good: nothing in this process gets them back. Whether it was done is seen by `privileges`. */
  remove(privileges: readonly Privilege[]): void {
    const state = new Uint8Array(HEADER_BYTES + privileges.length * ROW_BYTES);
    const view = new DataView(state.buffer);
    view.setUint32(0, privileges.length, true);
    for (const [row, privilege] of privileges.entries()) {
      view.setBigUint64(HEADER_BYTES + row * ROW_BYTES, privilege, true);
      view.setUint32(HEADER_BYTES + row * ROW_BYTES + 8, SE_PRIVILEGE_REMOVED, true);
    }
    advapi32().AdjustTokenPrivileges(pointer(this.#token), 0, pointer(addressOf(state)), 0, null, null);
  }

  [Symbol.dispose](): void {
    kernel32().CloseHandle(pointer(this.#token));
  }
}

/** By its name in winnt.h; undefined: this machine has none of that name. */
export function privilegeOf(name: string): Privilege | undefined {
  const [text, found] = [Buffer.from(`${name}\0`, "utf16le"), new BigUint64Array(1)];
  const isFound = advapi32().LookupPrivilegeValueW(null, pointer(addressOf(text)), pointer(addressOf(found)));
  return isFound === 0 ? undefined : read.u64(pointer(addressOf(found)), 0);
}
