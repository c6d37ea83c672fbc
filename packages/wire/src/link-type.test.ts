import { describe, expect, test } from "bun:test";
import { REAL_DATAGRAM6, REAL_SYN } from "../test/real-packets.ts";
import {
  ipOctets,
  LINK_ETHERNET,
  LINK_IPV4,
  LINK_IPV6,
  LINK_LINUX_SLL,
  LINK_LINUX_SLL2,
  LINK_NULL,
  LINK_RAW,
} from "./link-type.ts";
import { concat } from "./octets.ts";

const MACS = Uint8Array.fromHex("020000000001020000000002");
const IPV4 = Uint8Array.of(0x08, 0x00);
const IPV6 = Uint8Array.of(0x86, 0xdd);
const ARP = Uint8Array.of(0x08, 0x06);
const VLAN = Uint8Array.fromHex("81000007");
const SERVICE_VLAN = Uint8Array.fromHex("88a80007");
const SLL = new Uint8Array(14);
const SLL2_REST = new Uint8Array(18);

describe("ipOctets() finds the packet behind", () => {
  test.each<[string, number, Uint8Array, Uint8Array]>([
    ["no header", LINK_RAW, new Uint8Array(0), REAL_SYN],
    ["no header, IPv6", LINK_RAW, new Uint8Array(0), REAL_DATAGRAM6],
    ["no header, IPv4 alone", LINK_IPV4, new Uint8Array(0), REAL_SYN],
    ["no header, IPv6 alone", LINK_IPV6, new Uint8Array(0), REAL_DATAGRAM6],
    ["a loopback header", LINK_NULL, Uint8Array.of(2, 0, 0, 0), REAL_SYN],
    ["a loopback header of a big-endian macOS", LINK_NULL, Uint8Array.of(0, 0, 0, 30), REAL_DATAGRAM6],
    ["Ethernet", LINK_ETHERNET, concat(MACS, IPV4), REAL_SYN],
    ["Ethernet with a VLAN tag", LINK_ETHERNET, concat(MACS, VLAN, IPV6), REAL_DATAGRAM6],
    ["Ethernet with two", LINK_ETHERNET, concat(MACS, SERVICE_VLAN, VLAN, IPV4), REAL_SYN],
    ["Linux cooked", LINK_LINUX_SLL, concat(SLL, IPV4), REAL_SYN],
    ["Linux cooked, version 2", LINK_LINUX_SLL2, concat(IPV6, SLL2_REST), REAL_DATAGRAM6],
  ])("%s", (_, linkType, header, packet) => {
    expect(ipOctets(linkType, concat(header, packet))).toEqual(packet);
    for (let bytes = 0; bytes <= header.length; bytes += 1) {
      expect(ipOctets(linkType, concat(header, packet).slice(0, bytes))).toBeUndefined();
    }
  });
});

describe("ipOctets() finds none in", () => {
  test.each<[string, number, Uint8Array]>([
    ["another link type", 105, REAL_SYN],
    ["ARP", LINK_ETHERNET, concat(MACS, ARP, REAL_SYN)],
    ["a frame whose type contradicts the packet", LINK_ETHERNET, concat(MACS, IPV6, REAL_SYN)],
    ["a packet of the other version", LINK_IPV6, REAL_SYN],
    ["a packet of no version", LINK_RAW, new Uint8Array(40)],
    ["more VLAN tags than are passed over", LINK_ETHERNET, concat(MACS, VLAN, VLAN, VLAN, VLAN, VLAN, IPV4, REAL_SYN)],
  ])("%s", (_, linkType, octets) => {
    expect(ipOctets(linkType, octets)).toBeUndefined();
  });
});
