// NetBSD in numbers: sys/net, sys/netinet6, sys/sys. Bun has no build for it.
import { ior, iow, iowr } from "@bunnel/bsd";
import type { BsdTunSystem } from "./system.ts";

/** Its union has room for a sockaddr_storage, so every request that holds one has another number than elsewhere. */
const IFREQ_BYTES = 144;
const IFALIASREQ_BYTES = 64;
const IN6_ALIASREQ_BYTES = 128;
const IN6_IFREQ_BYTES = 288;

export const NETBSD: BsdTunSystem = {
  platform: "netbsd",
  libraries: ["libc.so"],
  errnoLocation: "__errno",
  conventions: {},
  AF_INET6: 24,
  AF_LINK: 18,
  AF_ROUTE: 34,
  O_NONBLOCK: 0x4,
  O_CLOEXEC: 0x40_0000,
  EOPNOTSUPP: 45,
  NET_RT_IFLIST: 5,
  requests: {
    SIOCGIFFLAGS: iowr("i", 17, IFREQ_BYTES),
    SIOCSIFFLAGS: iow("i", 16, IFREQ_BYTES),
    SIOCGIFMTU: iowr("i", 126, IFREQ_BYTES),
    SIOCSIFMTU: iow("i", 127, IFREQ_BYTES),
    SIOCAIFADDR: iow("i", 26, IFALIASREQ_BYTES),
    SIOCDIFADDR: iow("i", 25, IFREQ_BYTES),
    SIOCAIFADDR_IN6: iow("i", 107, IN6_ALIASREQ_BYTES),
    SIOCDIFADDR_IN6: iow("i", 25, IN6_IFREQ_BYTES),
    SIOCIFCREATE: iow("i", 122, IFREQ_BYTES),
    SIOCIFDESTROY: iow("i", 121, IFREQ_BYTES),
  },
  layout: {
    requestBytes: IFREQ_BYTES,
    aliasBytes: IFALIASREQ_BYTES,
    alias6Bytes: IN6_ALIASREQ_BYTES,
    request6Bytes: IN6_IFREQ_BYTES,
  },
  route: {
    version: 4,
    bytes: 120,
    indexAt: 4,
    flagsAt: 8,
    addressesAt: 12,
    pidAt: 16,
    sequenceAt: 20,
    errnoAt: 24,
    inits: { at: 32, bytes: 4 },
    mtu: { at: 48, bytes: 8 },
    align: 8,
    linkAddressBytes: 20,
  },
  link: {
    type: 0x14,
    bytes: 152,
    addressesAt: 4,
    flagsAt: 8,
    indexAt: 12,
    mtuAt: 24,
    receivedPackets: { at: 48, bytes: 8 },
    sentPackets: { at: 64, bytes: 8 },
    receivedBytes: { at: 88, bytes: 8 },
    sentBytes: { at: 96, bytes: 8 },
    announce: { type: 0x10, indexAt: 4, whatAt: 22 },
  },
  address: { bytes: 24, addressesAt: 4, indexAt: 16 },
  tun: { way: "units", family: "tun", isDestroyed: true },
  tap: { way: "clone", family: "tap", nameRequest: ior("e", 0, IFREQ_BYTES), isDestroyed: true },
  TUNSIFHEAD: iow("t", 66, 4),
  TUNSIFMODE: iow("t", 88, 4),
  mtuMinBytes: 576,
  mtuMaxBytes: 1500,
};
