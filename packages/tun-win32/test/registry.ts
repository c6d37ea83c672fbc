// What the registry says about a TAP adapter: in the double's own registry, or under Wine in Wine's.
import { library } from "@bunnel/ffi";
import { HKEY_LOCAL_MACHINE, REG_DWORD, REG_SZ, TAP_ADAPTER_KEY, TAP_CONNECTION_KEY } from "../src/constants.ts";
import { wideString } from "../src/wide-string.ts";

const DOUBLE = { double_registry: { args: ["ptr", "ptr", "u32", "ptr", "u32"], returns: "void" } } as const;
const ADVAPI32 = {
  RegCreateKeyExW: { args: ["u64", "ptr", "u32", "ptr", "u32", "u32", "ptr", "ptr", "ptr"], returns: "u32" },
  RegSetValueExW: { args: ["u64", "ptr", "u32", "u32", "ptr", "u32"], returns: "u32" },
  RegCloseKey: { args: ["u64"], returns: "u32" },
} as const;
const KEY_WRITE = 0x20006;

/** @param double the double's path; undefined: Windows' own registry */
export type WriteValue = (key: string, name: string, value: string | number) => void;

export function registryOf(double: string | undefined): WriteValue {
  return double === undefined ? writeToWindows() : writeToDouble(double);
}

/** An adapter with that GUID, which people know by that name; NetLuidIndex 700 + number. */
export function writeTapAdapter(write: WriteValue, number: number, guid: string, name: string): void {
  const key = `${TAP_ADAPTER_KEY}\\${String(number).padStart(4, "0")}`;
  write(key, "ComponentId", number % 2 === 0 ? "tap0901" : "root\\tap0901");
  write(key, "NetCfgInstanceId", guid);
  write(key, "*IfType", 6);
  write(key, "NetLuidIndex", 700 + number);
  write(`${TAP_CONNECTION_KEY}\\${guid}\\Connection`, "Name", name);
}

function encoded(value: string | number): { readonly type: number; readonly data: Uint8Array } {
  return typeof value === "number"
    ? { type: REG_DWORD, data: new Uint8Array(Uint32Array.of(value).buffer) }
    : { type: REG_SZ, data: wideString(value) };
}

function writeToDouble(path: string): WriteValue {
  const { double_registry } = library(path, DOUBLE)();
  return (key, name, value) => {
    const { type, data } = encoded(value);
    double_registry(wideString(key), wideString(name), type, data, data.length);
  };
}

function writeToWindows(): WriteValue {
  const { RegCreateKeyExW, RegSetValueExW, RegCloseKey } = library("advapi32.dll", ADVAPI32)();
  return (key, name, value) => {
    const { type, data } = encoded(value);
    const handle = new BigUint64Array(1);
    const error = RegCreateKeyExW(HKEY_LOCAL_MACHINE, wideString(key), 0, null, 0, KEY_WRITE, null, handle, null);
    if (error !== 0) throw new Error(`making the registry key ${key} failed with ${error}`);
    RegSetValueExW(handle[0] ?? 0n, wideString(name), 0, type, data, data.length);
    RegCloseKey(handle[0] ?? 0n);
  };
}
