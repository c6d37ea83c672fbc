// What the driver believes about mingw-w64's headers, as C that compiles only if it is so.
import * as constants from "../src/constants.ts";
import * as structs from "../src/structs.ts";
import { Struct, type StructFields } from "@bunnel/ffi";

const INCLUDES = ["winsock2.h", "ws2ipdef.h", "windows.h", "iphlpapi.h", "netioapi.h", "winioctl.h"];
/** Structs and constants that come from elsewhere: the Windows SDK, wintun.h, tap-windows.h, the registry. */
const ELSEWHERE = /^(DNS_|WINTUN_|TAP_|LIFETIME_)/;
/** Parts of a field under names of our own. */
const FIELDS: Readonly<Record<string, string>> = {
  "SOCKADDR_INET.Ipv4Address": "Ipv4.sin_addr",
  "SOCKADDR_INET.Ipv6Address": "Ipv6.sin6_addr",
};
/** One that is a pointer in C: its low half is compared. */
const POINTERS: ReadonlySet<string> = new Set(["HKEY_LOCAL_MACHINE"]);

/** How many statements there are, and the C source of them. */
export function headerStatements(): { readonly count: number; readonly source: string } {
  const statements = [...structStatements(), ...constantStatements()];
  const includes = INCLUDES.map((header) => `#include <${header}>`);
  return { count: statements.length, source: `${[...includes, ...statements].join("\n")}\n` };
}

function structStatements(): string[] {
  const layouts = Object.values<unknown>(structs).filter((value) => value instanceof Struct) as Struct<StructFields>[];
  const statements = layouts
    .filter(({ name }) => !ELSEWHERE.test(name))
    .flatMap(({ name, bytes, fields }) => [
      isSo(`sizeof(${name}) == ${bytes}`),
      ...Object.entries(fields).map(([field, { at }]) => {
        const path = FIELDS[`${name}.${field}`] ?? field;
        return isSo(`offsetof(${name}, ${path}) == ${at}`);
      }),
    ]);
  return [
    ...statements,
    isSo(`sizeof(OVERLAPPED) == ${structs.OVERLAPPED_BYTES}`),
    isSo(`offsetof(OVERLAPPED, hEvent) == ${structs.OVERLAPPED_EVENT_AT}`),
    isSo(`offsetof(MIB_IPFORWARD_TABLE2, Table) == ${structs.TABLE_ROWS_AT}`),
    isSo(`offsetof(MIB_IPNET_TABLE2, Table) == ${structs.TABLE_ROWS_AT}`),
    isSo(`offsetof(MIB_IF_TABLE2, Table) == ${structs.TABLE_ROWS_AT}`),
  ];
}

function constantStatements(): string[] {
  return Object.entries(constants)
    .filter(([name, value]) => typeof value === "number" && !ELSEWHERE.test(name))
    .map(([name, value]) => {
      const found = POINTERS.has(name) ? `(DWORD)(ULONG_PTR)${name}` : name;
      return isSo(`(long long)${found} == ${String(value)}LL`);
    });
}

function isSo(statement: string): string {
  return `_Static_assert(${statement}, ${JSON.stringify(statement)});`;
}
