// Every number of the driver equals xnu's headers, for both kinds of processor; every struct, octet for octet, a
// vector.
import { describe, expect, test } from "bun:test";
import * as bsd from "@bunnel/bsd";
import { constantOf, goldenSystem, hexOf, routeHeader, structOf, vectorOf } from "@bunnel/bsd/proof";
import { DARWIN } from "../src/index.ts";
import { controlAddress, controlQuery, driverRequest, ndrvAddress, peerRequest } from "../src/structs.ts";
import * as numbers from "../src/system.ts";
import { darwinTable } from "./darwin-kernel.ts";

const NAMES = [
  "AF_SYSTEM",
  "SYSPROTO_CONTROL",
  "AF_SYS_CONTROL",
  "CTLIOCGINFO",
  "UTUN_OPT_IFNAME",
  "UTUN_OPT_MAX_PENDING_PACKETS",
  "SIOCSDRVSPEC",
  "IF_FAKE_S_CMD_SET_PEER",
  "AF_NDRV",
  "BIOCGBLEN",
  "BIOCSBLEN",
  "BIOCPROMISC",
  "BIOCSETIF",
  "BIOCIMMEDIATE",
  "BIOCSHDRCMPLT",
  "BIOCSSEESENT",
] as const;
const CONSTANTS = new Map(Object.entries(numbers));
const SIZES = [
  ["ctl_info", numbers.CTL_INFO_BYTES],
  ["ifdrv", numbers.IFDRV_BYTES],
  ["if_fake_request", numbers.IF_FAKE_REQUEST_BYTES],
  ["sockaddr_ndrv", numbers.SOCKADDR_NDRV_BYTES],
  ["msghdr_x", numbers.MSGHDR_X_BYTES],
  ["iovec", bsd.IOVEC_BYTES],
  ["sockaddr_in", bsd.SOCKADDR_IN_BYTES],
  ["sockaddr_in6", bsd.SOCKADDR_IN6_BYTES],
] as const;

describe.each(["arm64", "x64"] as const)("macOS %s", (arch) => {
  const table = darwinTable(arch);
  goldenSystem(DARWIN, table);

  test.each(NAMES)("%s", (name) => {
    expect(CONSTANTS.get(name)).toBe(constantOf(table, name));
  });

  test.each(SIZES)("sizeof(struct %s)", (name, bytes) => {
    expect<number>(bytes).toBe(structOf(table, name).size);
  });

  test("places in if_msghdr's data, of which the table has the start", () => {
    const start = structOf(table, "if_msghdr").fields["ifm_data"]?.offset ?? -1;
    // bsd/net/if_var.h struct if_data: ifi_mtu 8, ifi_ipackets 20, ifi_opackets 28, ifi_ibytes 40, ifi_obytes 44
    const { mtuAt, receivedPackets, sentPackets, receivedBytes, sentBytes } = DARWIN.link;
    const places = [mtuAt, receivedPackets.at, sentPackets.at, receivedBytes.at, sentBytes.at];
    expect(places.map((at) => at - start)).toEqual([8, 20, 28, 40, 44]);
  });

  test("the name of the control, and options by it", () => {
    expect(hexOf(controlQuery(numbers.UTUN_CONTROL_NAME))).toBe(vectorOf(table, "ctl_info"));
    expect(hexOf(controlAddress(5, 8))).toBe(vectorOf(table, "sockaddr_ctl_utun7"));
  });

  test("ifreq with an MTU and with flags", () => {
    expect(hexOf(bsd.mtuRequest(DARWIN, "utun7", 1420))).toBe(vectorOf(table, "ifreq_mtu"));
    expect(hexOf(bsd.flagsRequest(DARWIN, "utun7", bsd.IFF_UP | bsd.IFF_RUNNING))).toBe(vectorOf(table, "ifreq_flags"));
  });

  test("ifaliasreq and in6_aliasreq", () => {
    const alias = { address: "10.6.0.2", destination: "10.6.0.1" };
    const octets = bsd.aliasRequest(DARWIN, "utun7", {
      address: bsd.parseAddress(alias.address),
      destination: bsd.parseAddress(alias.destination),
      mask: bsd.maskOf(24, 4),
    });
    expect(hexOf(octets)).toBe(vectorOf(table, "ifaliasreq4"));
    const alias6 = { address: bsd.parseAddress("fd00:6::2"), mask: bsd.maskOf(64, 16) };
    expect(hexOf(bsd.aliasRequest(DARWIN, "utun7", alias6))).toBe(vectorOf(table, "in6_aliasreq"));
  });

  test("feth: the peer, what carries it, and the raw socket's address", () => {
    expect(hexOf(peerRequest("feth1"))).toBe(vectorOf(table, "fake_set_peer"));
    const { fields } = structOf(table, "ifdrv");
    const request = new DataView(driverRequest("feth0", 1, 0x1122_3344, 160).buffer);
    const at = (field: string) => request.getBigUint64(fields[field]?.offset ?? -1, true);
    expect([at("ifd_cmd"), at("ifd_len"), at("ifd_data")]).toEqual([1n, 160n, 0x1122_3344n]);
    expect(hexOf(ndrvAddress("feth1"))).toBe("121b66657468310000000000000000000000");
  });

  test("rt_msghdr and sockaddr_dl", () => {
    expect(routeHeader(DARWIN)).toBe(vectorOf(table, "rt_msghdr_add"));
    expect(hexOf(bsd.linkAddress(DARWIN, 17))).toBe(vectorOf(table, "sockaddr_dl_utun7"));
  });
});
