// Proof level golden: every constant, offset and size that the driver has, and every row that it gives to Windows, are
// those of the tables computed from the system's own headers (test/golden, whose `source` names them).
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Struct, type StructFields } from "@bunnel/ffi";
import * as constants from "./constants.ts";
import { addressRow } from "./netcfg/addresses.ts";
import { stackRow } from "./netcfg/interfaces.ts";
import { neighbourRow } from "./netcfg/neighbours.ts";
import { decodeAddress, encodeAddress, encodePrefix, parsePrefix } from "./netcfg/prefix.ts";
import { routeRow } from "./netcfg/routes.ts";
import { dnsSettings } from "./netcfg/dns.ts";
import * as structs from "./structs.ts";

interface Golden {
  readonly target: string;
  readonly structs: Record<string, { size: number; fields: Record<string, { offset: number; size: number }> }>;
  readonly constants: Record<string, { readonly value: number }>;
  readonly strings: Record<string, { readonly value: string } | string>;
  readonly vectors: Record<string, { readonly hex: string }>;
}

const golden = ["x64", "arm64"].map((architecture) => {
  const path = join(import.meta.dirname, "..", "test", "golden", `windows-${architecture}.json`);
  return JSON.parse(readFileSync(path, "utf8")) as Golden;
});

/** Where the driver has a part of a field, or another name for it. */
const PARTS: Readonly<Record<string, string>> = {
  "SOCKADDR_INET.Ipv4Address": "Ipv4",
  "SOCKADDR_INET.Ipv6Address": "Ipv6",
};
const OTHER_NAMES: Readonly<Record<string, string>> = { DNS_INTERFACE_SETTINGS: "DOC_DNS_INTERFACE_SETTINGS" };
/** Not in the tables; the compiler compares them with mingw-w64's headers (headers.golden.test.ts). */
const ONLY_IN_HEADERS = new Set([
  "ERROR_ALREADY_INITIALIZED",
  "WT_EXECUTEINWAITTHREAD",
  "WT_EXECUTEONLYONCE",
  "HKEY_LOCAL_MACHINE",
  "KEY_READ",
  "REG_SZ",
  "REG_DWORD",
  "NET_IF_ADMIN_STATUS_UP",
  "NlnsPermanent",
]);
/** In no header that can be had here: Wintun's MAX_ADAPTER_NAME, the Windows SDK, the registry. */
const ONLY_DOCUMENTED = new Set([
  "WINTUN_MAX_ADAPTER_NAME",
  "TAP_CONNECTION_KEY",
  "LIFETIME_INFINITE",
  "DNS_INTERFACE_SETTINGS_VERSION1",
  "DNS_SETTING_IPV6",
  "DNS_SETTING_NAMESERVER",
  "DNS_SETTING_SEARCHLIST",
]);
const LUID = 0x0035_007f_0100_0000n;
const WIDTHS: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, i32: 4, u64: 8 };

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");
const layouts = Object.values<unknown>(structs).filter((value) => value instanceof Struct) as Struct<StructFields>[];

describe.each(golden)("golden tables of $target", ({ structs: tables, constants: numbers, strings, vectors }) => {
  test.each(layouts.map((layout) => [layout.name, layout] as const))(
    "%s has that size and these offsets",
    (name, at) => {
      const table = tables[OTHER_NAMES[name] ?? name];
      expect(at.bytes).toBe(table?.size ?? -1);
      for (const [field, { at: offset, ...rest }] of Object.entries(at.fields)) {
        const width = "bytes" in rest ? rest.bytes : WIDTHS[rest.type];
        const part = PARTS[`${name}.${field}`];
        const found = table?.fields[part ?? field];
        if (part === undefined) expect([field, offset, width]).toEqual([field, found?.offset, found?.size]);
        else expect(offset + (width ?? 0)).toBeLessThanOrEqual((found?.offset ?? 0) + (found?.size ?? 0));
      }
    },
  );

  test("every constant is that of the headers", () => {
    const compared: string[] = [];
    for (const [name, value] of Object.entries(constants)) {
      if (ONLY_IN_HEADERS.has(name) || ONLY_DOCUMENTED.has(name)) continue;
      const string = strings[name];
      const found = numbers[name]?.value ?? (typeof string === "string" ? string : string?.value);
      expect([name, value]).toEqual([name, found ?? "nothing"]);
      compared.push(name);
    }
    expect(compared.length).toBeGreaterThan(40);
  });

  test("the OVERLAPPED of a read or write has its event where Windows looks", () => {
    const table = tables["OVERLAPPED"];
    expect(structs.OVERLAPPED_BYTES).toBe(table?.size ?? -1);
    expect(structs.OVERLAPPED_EVENT_AT).toBe(table?.fields["hEvent"]?.offset ?? -1);
    expect(structs.TABLE_ROWS_AT).toBe(tables["MIB_UNICASTIPADDRESS_TABLE"]?.fields["Table"]?.offset ?? -1);
    expect(structs.TABLE_ROWS_AT).toBe(tables["MIB_IPFORWARD_TABLE2"]?.fields["Table"]?.offset ?? -1);
  });

  test("addresses are encoded octet for octet", () => {
    // The vectors' index is that of the row, which Windows takes from the LUID when it is 0.
    const withIndex = (row: Uint8Array, at: number, of: string): string => {
      const index = Buffer.from(vectors[of]?.hex ?? "", "hex").subarray(at, at + 4);
      const copy = Uint8Array.from(row);
      copy.set(index, at);
      return hex(copy);
    };
    expect(withIndex(addressRow(LUID, parsePrefix("10.6.0.2/24")), 40, "unicast4")).toBe(
      vectors["unicast4"]?.hex ?? "",
    );
    expect(withIndex(addressRow(LUID, parsePrefix("fd00:6::2/64")), 40, "unicast6")).toBe(
      vectors["unicast6"]?.hex ?? "",
    );
  });

  test("routes are encoded octet for octet", () => {
    const near = { destination: "0.0.0.0/1", metric: 0 };
    const far = { destination: "2000::/3", gateway: "fe80::1", metric: 10 };
    expect(hex(routeRow(LUID, near))).toBe(vectors["route4"]?.hex ?? "");
    // The vector leaves the row mortal, which has no meaning for a route with infinite lifetimes.
    const row = routeRow(LUID, far);
    row[structs.MIB_IPFORWARD_ROW2.fields.Immortal.at] = 0;
    expect(hex(row)).toBe(vectors["route6"]?.hex ?? "");
  });

  test("MTU and metric of a stack are encoded octet for octet", () => {
    const row = structs.MIB_IPINTERFACE_ROW;
    const before = row.encode({
      Family: constants.AF_INET,
      InterfaceLuid: LUID,
      UseAutomaticMetric: 1,
      DadTransmits: 3,
    });
    const change = { metric: 5, mtuBytes: 1420, duplicateCheck: false, routerDiscovery: false };
    expect(hex(stackRow(before, 4, change))).toBe(vectors["ipinterface4"]?.hex ?? "");
  });
});

describe("rows", () => {
  test("addresses and prefixes read back as they were written", () => {
    for (const text of ["192.0.2.1/24", "2001:db8::1/64", "0.0.0.0/0", "::/0"]) {
      const prefix = parsePrefix(text);
      expect(decodeAddress(encodeAddress(prefix.octets))).toEqual(prefix.octets);
      expect(encodePrefix(prefix)[28]).toBe(prefix.prefixLength);
    }
  });

  test("stackRow() clears the site prefix length of IPv4, which a Get leaves too large, not that of IPv6", () => {
    const before = structs.MIB_IPINTERFACE_ROW.encode({ SitePrefixLength: 64, NlMtu: 1500, Metric: 25 });
    expect(structs.MIB_IPINTERFACE_ROW.decode(stackRow(before, 4, {})).SitePrefixLength).toBe(0);
    expect(structs.MIB_IPINTERFACE_ROW.decode(stackRow(before, 6, {})).SitePrefixLength).toBe(64);
  });

  test("stackRow() changes what is named and no other octet", () => {
    const before = new Uint8Array(168).map((_, i) => i);
    const after = stackRow(before, 6, { mtuBytes: 1400, metric: "auto", linkLocal: false, forwarding: true });
    const { fields } = structs.MIB_IPINTERFACE_ROW;
    const touched = [...after.keys()].filter((i) => after[i] !== before[i]);
    const words = [fields.NlMtu, fields.Metric, fields.LinkLocalAddressBehavior];
    const may = words.flatMap(({ at }) => [at, at + 1, at + 2, at + 3]);
    expect(touched.every((i) => [...may, fields.UseAutomaticMetric.at, fields.ForwardingEnabled.at].includes(i))).toBe(
      true,
    );
    expect(structs.MIB_IPINTERFACE_ROW.decode(after)).toMatchObject({ NlMtu: 1400, UseAutomaticMetric: 1, Metric: 0 });
  });

  test("neighbours have address, hardware address and a state that stays", () => {
    const row = structs.MIB_IPNET_ROW2.decode(neighbourRow(LUID, "192.0.2.9", "02:00:00:00:00:09"));
    expect(decodeAddress(row.Address)).toEqual(Uint8Array.of(192, 0, 2, 9));
    expect(row.PhysicalAddress.subarray(0, row.PhysicalAddressLength)).toEqual(Uint8Array.of(2, 0, 0, 0, 0, 9));
    expect([row.State, row.InterfaceLuid]).toEqual([6, LUID]);
  });

  test("name servers are told with their family and where their texts lie", () => {
    const texts = { servers: new Uint8Array(8), search: new Uint8Array(8) };
    const [four, six] = [dnsSettings(4, texts), dnsSettings(6, texts)].map((row) =>
      structs.DNS_INTERFACE_SETTINGS.decode(row),
    );
    expect([four?.Version, four?.Flags, six?.Flags]).toEqual([1, 6n, 7n]);
    expect(four?.NameServer).not.toBe(four?.SearchList);
  });
});
