// FreeBSD in numbers: sys/net, sys/netinet6, sys/sys of 13 and later.
import { ior, iow, iowr } from "@bunnel/bsd";
import type { BsdTunSystem } from "./system.ts";

const IFREQ_BYTES = 32;
const IN_ALIASREQ_BYTES = 68;
const IN6_ALIASREQ_BYTES = 136;
const IN6_IFREQ_BYTES = 288;
const IN6_NDIREQ_BYTES = 72;

export const FREEBSD: BsdTunSystem = {
  platform: "freebsd",
  libraries: ["libc.so.7"],
  errnoLocation: "__error",
  conventions: {},
  AF_INET6: 28,
  AF_LINK: 18,
  AF_ROUTE: 17,
  O_NONBLOCK: 0x4,
  O_CLOEXEC: 0x10_0000,
  EOPNOTSUPP: 45,
  NET_RT_IFLIST: 3,
  requests: {
    SIOCGIFFLAGS: iowr("i", 17, IFREQ_BYTES),
    SIOCSIFFLAGS: iow("i", 16, IFREQ_BYTES),
    SIOCGIFMTU: iowr("i", 51, IFREQ_BYTES),
    SIOCSIFMTU: iow("i", 52, IFREQ_BYTES),
    SIOCAIFADDR: iow("i", 43, IN_ALIASREQ_BYTES),
    SIOCDIFADDR: iow("i", 25, IFREQ_BYTES),
    SIOCAIFADDR_IN6: iow("i", 27, IN6_ALIASREQ_BYTES),
    SIOCDIFADDR_IN6: iow("i", 25, IN6_IFREQ_BYTES),
    SIOCIFCREATE: iowr("i", 122, IFREQ_BYTES),
    SIOCIFDESTROY: iow("i", 121, IFREQ_BYTES),
    SIOCSIFLLADDR: iow("i", 60, IFREQ_BYTES),
    SIOCSIFNAME: iow("i", 40, IFREQ_BYTES),
    SIOCGIFINFO_IN6: iowr("i", 108, IN6_NDIREQ_BYTES),
    SIOCSIFINFO_IN6: iowr("i", 109, IN6_NDIREQ_BYTES),
  },
  layout: {
    requestBytes: IFREQ_BYTES,
    aliasBytes: IN_ALIASREQ_BYTES,
    alias6Bytes: IN6_ALIASREQ_BYTES,
    request6Bytes: IN6_IFREQ_BYTES,
  },
  route: {
    version: 5,
    bytes: 152,
    indexAt: 4,
    flagsAt: 8,
    addressesAt: 12,
    pidAt: 16,
    sequenceAt: 20,
    errnoAt: 24,
    inits: { at: 32, bytes: 8 },
    mtu: { at: 48, bytes: 8 },
    align: 8,
    linkAddressBytes: 54,
  },
  link: {
    type: 0xe,
    bytes: 168,
    addressesAt: 4,
    flagsAt: 8,
    indexAt: 12,
    mtuAt: 24,
    receivedPackets: { at: 40, bytes: 8 },
    sentPackets: { at: 56, bytes: 8 },
    receivedBytes: { at: 80, bytes: 8 },
    sentBytes: { at: 88, bytes: 8 },
    announce: { type: 0x11, indexAt: 4, whatAt: 22 },
  },
  address: { bytes: 20, addressesAt: 4, indexAt: 12 },
  tun: { way: "clone", family: "tun", nameRequest: ior("t", 93, IFREQ_BYTES), isDestroyed: true },
  tap: { way: "clone", family: "tap", nameRequest: ior("t", 93, IFREQ_BYTES), isDestroyed: true },
  TUNSIFHEAD: iow("t", 96, 4),
  TUNSIFMODE: iow("t", 94, 4),
  TUNSTRANSIENT: iow("t", 98, 4),
  mtuMinBytes: 576,
  mtuMaxBytes: 65535,
};
