// What both drivers' tables are held to: the numbers that were computed from the systems' own headers.
import { describe, expect, test } from "bun:test";
import * as bsd from "../src/index.ts";
import type { BsdSystem } from "../src/index.ts";
import { constantOf, offsetOf, structOf, type AbiTable } from "./tables.ts";

/** Names that are the same in the driver and in the headers, wherever a system has them. */
const SHARED = [
  "AF_INET",
  "SOCK_DGRAM",
  "SOCK_RAW",
  "IFF_UP",
  "IFF_BROADCAST",
  "IFF_LOOPBACK",
  "IFF_POINTOPOINT",
  "IFF_RUNNING",
  "IFF_MULTICAST",
  "RTM_ADD",
  "RTM_DELETE",
  "RTM_CHANGE",
  "RTM_GET",
  "RTM_NEWADDR",
  "RTM_DELADDR",
  "RTF_UP",
  "RTF_GATEWAY",
  "RTF_HOST",
  "RTF_REJECT",
  "RTF_STATIC",
  "RTF_BLACKHOLE",
  "RTA_DST",
  "RTA_GATEWAY",
  "RTA_NETMASK",
  "RTA_IFP",
  "RTA_IFA",
  "RTA_BRD",
  "IN6_IFF_NODAD",
  "EPERM",
  "ENOENT",
  "EINTR",
  "ENXIO",
  "EBADF",
  "ENOMEM",
  "EACCES",
  "EBUSY",
  "EEXIST",
  "ENODEV",
  "EINVAL",
  "ENOTTY",
  "EAGAIN",
  "EMSGSIZE",
  "EPROTONOSUPPORT",
  "EAFNOSUPPORT",
  "EADDRNOTAVAIL",
  "ENETDOWN",
  "ENETUNREACH",
  "ENOBUFS",
] as const;

const CONSTANTS = new Map(Object.entries(bsd));

const OF_SYSTEM = ["AF_INET6", "AF_LINK", "AF_ROUTE", "O_NONBLOCK", "O_CLOEXEC", "EOPNOTSUPP"] as const;

/** The table of a system equals its headers: one test per number. `missing` are those that the headers do not have. */
export function goldenSystem(system: BsdSystem, table: AbiTable, missing: readonly string[] = []): void {
  const { requests, layout } = system;
  describe(`constants of ${table.target}`, () => {
    test.each(SHARED)("%s", (name) => {
      expect(CONSTANTS.get(name)).toBe(constantOf(table, name));
    });
    test.each(OF_SYSTEM)("%s", (name) => {
      expect(system[name]).toBe(constantOf(table, name));
    });
    test.each(Object.entries(requests).filter(([name]) => !missing.includes(name)))("%s", (name, code) => {
      expect(code).toBe(constantOf(table, name));
    });
    test("RTM_VERSION and RTM_IFINFO", () => {
      expect(system.route.version).toBe(constantOf(table, "RTM_VERSION"));
      expect(system.link.type).toBe(constantOf(table, "RTM_IFINFO"));
    });
  });

  describe(`structs of ${table.target}`, () => {
    test("those of requests to interfaces", () => {
      const alias = table.structs["in_aliasreq"] ?? structOf(table, "ifaliasreq");
      expect(layout).toEqual({
        requestBytes: structOf(table, "ifreq").size,
        aliasBytes: alias.size,
        alias6Bytes: structOf(table, "in6_aliasreq").size,
        request6Bytes: structOf(table, "in6_ifreq").size,
      });
    });
    test("rt_msghdr", () => {
      const { route } = system;
      const at = (field: string) => offsetOf(table, "rt_msghdr", field);
      const metrics = at("rtm_rmx");
      const { offset, size } = structOf(table, "rt_metrics").fields["rmx_mtu"] ?? { offset: -1, size: -1 };
      const inits = structOf(table, "rt_msghdr").fields["rtm_inits"];
      expect(route).toMatchObject({
        bytes: structOf(table, "rt_msghdr").size,
        indexAt: at("rtm_index"),
        flagsAt: at("rtm_flags"),
        addressesAt: at("rtm_addrs"),
        pidAt: at("rtm_pid"),
        sequenceAt: at("rtm_seq"),
        errnoAt: at("rtm_errno"),
        inits: { at: inits?.offset, bytes: inits?.size },
        mtu: { at: metrics + offset, bytes: size },
        linkAddressBytes: structOf(table, "sockaddr_dl").size,
      });
    });
    test("if_msghdr and ifa_msghdr", () => {
      const at = (field: string) => offsetOf(table, "if_msghdr", field);
      expect(system.link).toMatchObject({
        bytes: structOf(table, "if_msghdr").size,
        flagsAt: at("ifm_flags"),
        indexAt: at("ifm_index"),
        addressesAt: at("ifm_addrs"),
      });
      expect(system.address).toEqual({
        bytes: structOf(table, "ifa_msghdr").size,
        indexAt: offsetOf(table, "ifa_msghdr", "ifam_index"),
        addressesAt: offsetOf(table, "ifa_msghdr", "ifam_addrs"),
      });
    });
  });
}

export function hexOf(octets: Uint8Array): string {
  return octets.toHex();
}

/** The header of a route as the vectors have it: only what stands before the addresses. */
export function routeHeader(system: BsdSystem): string {
  const octets = bsd.encodeRoute(system, {
    type: bsd.RTM_ADD,
    flags: bsd.RTF_UP | bsd.RTF_STATIC | bsd.RTF_GATEWAY,
    sequence: 1,
    mtuBytes: 1420,
    addresses: [
      [bsd.RTA_DST, bsd.inetAddress(system, bsd.parseAddress("192.0.2.0"))],
      [bsd.RTA_GATEWAY, bsd.inetAddress(system, bsd.parseAddress("192.0.2.1"))],
      [bsd.RTA_NETMASK, bsd.inetAddress(system, bsd.maskOf(24, 4))],
    ],
  });
  return hexOf(octets.subarray(0, system.route.bytes));
}
