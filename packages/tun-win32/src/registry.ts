// The parts of Windows' registry that tell about network adapters. Source: winreg.h.
import { pointer } from "@bunnel/ffi";
import { ERROR_FILE_NOT_FOUND, HKEY_LOCAL_MACHINE, KEY_READ, NO_ERROR, REG_DWORD, REG_SZ } from "./constants.ts";
import { windowsError } from "./errors.ts";
import type { WindowsSystem } from "./sys.ts";
import { fromWideString, wideString } from "./wide-string.ts";

const VALUE_MAX_BYTES = 1024;
const KEY_NAME_MAX = 256;
/** Keys of one folder that are looked at. */
const KEYS_MAX = 4096;

/** A key that is open for reading. */
export class RegistryKey implements Disposable {
  private constructor(
    readonly system: WindowsSystem,
    readonly handle: number,
  ) {}

  /** Below HKEY_LOCAL_MACHINE. Undefined: there is none, or it may not be read. */
  static open(system: WindowsSystem, path: string): RegistryKey | undefined {
    const handle = new BigUint64Array(1);
    const { RegOpenKeyExW } = system.advapi32();
    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, wideString(path), 0, KEY_READ, handle) !== NO_ERROR) return undefined;
    return new RegistryKey(system, Number(handle[0]));
  }

  /** The names of the keys below it. */
  keys(): string[] {
    const { RegEnumKeyExW } = this.system.advapi32();
    const names: string[] = [];
    const name = new Uint8Array(KEY_NAME_MAX * 2);
    for (let index = 0; index < KEYS_MAX; index++) {
      const length = new Uint32Array([KEY_NAME_MAX]);
      const error = RegEnumKeyExW(this.handle, index, name, length, null, null, null, null);
      if (error !== NO_ERROR) return names;
      names.push(fromWideString(name.subarray(0, (length[0] ?? 0) * 2)));
    }
    return names;
  }

  text(name: string): string | undefined {
    const value = this.#value(name, REG_SZ);
    return value && fromWideString(value);
  }

  number(name: string): number | undefined {
    const value = this.#value(name, REG_DWORD);
    return value && new DataView(value.buffer).getUint32(0, true);
  }

  close(): void {
    this.system.advapi32().RegCloseKey(this.handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Undefined: there is no such value, or it is of another type. */
  #value(name: string, type: number): Uint8Array<ArrayBuffer> | undefined {
    const value = new Uint8Array(VALUE_MAX_BYTES);
    const bytes = new Uint32Array([VALUE_MAX_BYTES]);
    const found = new Uint32Array(1);
    const { RegQueryValueExW } = this.system.advapi32();
    const error = RegQueryValueExW(this.handle, wideString(name), pointer(0), found, value, bytes);
    if (error === ERROR_FILE_NOT_FOUND) return undefined;
    if (error !== NO_ERROR) throw windowsError(`reading ${name} of the registry`, error);
    return found[0] === type ? value.slice(0, bytes[0]) : undefined;
  }
}
