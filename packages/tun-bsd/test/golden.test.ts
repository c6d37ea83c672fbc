// Every number of the driver equals the table of its system; every struct of FreeBSD, octet for octet, a vector.
import { describe, expect, test } from "bun:test";
import * as bsd from "@bunnel/bsd";
import { constantOf, goldenSystem, hexOf, offsetOf, routeHeader, structOf, vectorOf } from "@bunnel/bsd/proof";
import { FREEBSD } from "../src/index.ts";
import { BSD_NAMES, bsdTable, systemOf } from "./bsd-kernel.ts";

/** What names a request, and where the driver keeps it. */
const NODE_REQUESTS = {
  freebsd: { TUNSIFHEAD: "TUNSIFHEAD", TUNSIFMODE: "TUNSIFMODE", TUNGIFNAME: "tun", TAPGIFNAME: "tap" },
  openbsd: { TUNSIFMODE: "TUNSIFMODE" },
  netbsd: { TUNSIFHEAD: "TUNSIFHEAD", TUNSIFMODE: "TUNSIFMODE", TAPGIFNAME: "tap" },
  dragonfly: { TUNSIFHEAD: "TUNSIFHEAD", TUNSIFMODE: "TUNSIFMODE" },
} as const;

/** Beside SIOCSIFINFO_IN6, and one less: netinet6/in6_var.h. */
const NOT_IN_TABLE = ["SIOCGIFINFO_IN6"];

describe.each(BSD_NAMES)("%s", (name) => {
  const table = bsdTable(name);
  const system = systemOf(name);
  goldenSystem(system, table, NOT_IN_TABLE);

  test.each(Object.entries(NODE_REQUESTS[name]))("%s", (request, place) => {
    const value = system[place as "TUNSIFMODE" | "tun"];
    expect(typeof value === "object" ? value.nameRequest : value).toBe(constantOf(table, request));
  });
});

describe.each(["openbsd", "netbsd", "dragonfly"] as const)("%s", (name) => {
  const table = bsdTable(name);
  const { link, NET_RT_IFLIST } = systemOf(name);

  test("struct if_data: MTU and counters", () => {
    const start = offsetOf(table, "if_msghdr", "ifm_data");
    const at = (field: string) => start + offsetOf(table, "if_data", field);
    const bytes = (field: string) => structOf(table, "if_data").fields[field]?.size;
    expect(link.mtuAt).toBe(at("ifi_mtu"));
    const counters = [
      [link.receivedPackets, "ifi_ipackets"],
      [link.sentPackets, "ifi_opackets"],
      [link.receivedBytes, "ifi_ibytes"],
      [link.sentBytes, "ifi_obytes"],
    ] as const;
    for (const [place, field] of counters) {
      expect([place.at, place.bytes]).toEqual([at(field), bytes(field) ?? -1]);
    }
  });

  test("announcements of interfaces, and the list of them", () => {
    expect(link.announce).toEqual({
      type: constantOf(table, "RTM_IFANNOUNCE"),
      indexAt: offsetOf(table, "if_announcemsghdr", "ifan_index"),
      whatAt: offsetOf(table, "if_announcemsghdr", "ifan_what"),
    });
    expect(NET_RT_IFLIST).toBe(constantOf(table, "NET_RT_IFLIST"));
  });
});

describe("freebsd", () => {
  const table = bsdTable("freebsd");

  test("ifreq with an MTU and with flags", () => {
    expect(hexOf(bsd.mtuRequest(FREEBSD, "tun7", 1420))).toBe(vectorOf(table, "ifreq_mtu"));
    expect(hexOf(bsd.flagsRequest(FREEBSD, "tun7", bsd.IFF_UP))).toBe(vectorOf(table, "ifreq_flags"));
  });

  test("in_aliasreq of 68 octets and in6_aliasreq of 136", () => {
    const octets = bsd.aliasRequest(FREEBSD, "tun7", {
      address: bsd.parseAddress("10.6.0.2"),
      destination: bsd.parseAddress("10.6.0.1"),
      mask: bsd.maskOf(24, 4),
    });
    expect(hexOf(octets)).toBe(vectorOf(table, "in_aliasreq4"));
    const alias6 = { address: bsd.parseAddress("fd00:6::2"), mask: bsd.maskOf(64, 16) };
    expect(hexOf(bsd.aliasRequest(FREEBSD, "tun7", alias6))).toBe(vectorOf(table, "in6_aliasreq"));
  });

  test("rt_msghdr and sockaddr_dl", () => {
    expect(routeHeader(FREEBSD)).toBe(vectorOf(table, "rt_msghdr_add"));
    expect(hexOf(bsd.linkAddress(FREEBSD, 17))).toBe(vectorOf(table, "sockaddr_dl"));
  });

  test("struct if_data, of which the table has the start", () => {
    const start = offsetOf(table, "if_msghdr", "ifm_data");
    // net/if.h: ifi_mtu 8, ifi_ipackets 24, ifi_opackets 40, ifi_ibytes 64, ifi_obytes 72
    const { mtuAt, receivedPackets, sentPackets, receivedBytes, sentBytes } = FREEBSD.link;
    const places = [mtuAt, receivedPackets.at, sentPackets.at, receivedBytes.at, sentBytes.at];
    expect(places.map((at) => at - start)).toEqual([8, 24, 40, 64, 72]);
  });

  test("SIOCGIFINFO_IN6 is _IOWR('i', 108, struct in6_ndireq), one less than what sets", () => {
    expect(FREEBSD.requests.SIOCGIFINFO_IN6).toBe(constantOf(table, "SIOCSIFINFO_IN6") - 1);
    expect(structOf(table, "in6_ndireq").size).toBe(72);
  });

  test("TUNSTRANSIENT is a request of _IOW('t', 98, int), which the headers of 13.0 do not have yet", () => {
    expect(FREEBSD.TUNSTRANSIENT).toBe(0x8004_7462);
    expect(table.constants["TUNSTRANSIENT"]).toBeUndefined();
  });
});
