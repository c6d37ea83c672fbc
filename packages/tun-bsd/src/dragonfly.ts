// DragonFly in numbers: sys/net, sys/netinet6, sys/sys. Bun has no build for it.
import { iow, iowr } from "@bunnel/bsd";
import type { BsdTunSystem } from "./system.ts";

const IFREQ_BYTES = 32;
const IFALIASREQ_BYTES = 64;
const IN6_ALIASREQ_BYTES = 128;
const IN6_IFREQ_BYTES = 288;

export const DRAGONFLY: BsdTunSystem = {
  platform: "dragonfly",
  libraries: ["libc.so.8"],
  errnoLocation: "__error",
  conventions: {},
  AF_INET6: 28,
  AF_LINK: 18,
  AF_ROUTE: 17,
  O_NONBLOCK: 0x4,
  O_CLOEXEC: 0x2_0000,
  EOPNOTSUPP: 45,
  NET_RT_IFLIST: 3,
  requests: {
    SIOCGIFFLAGS: iowr("i", 17, IFREQ_BYTES),
    SIOCSIFFLAGS: iow("i", 16, IFREQ_BYTES),
    SIOCGIFMTU: iowr("i", 51, IFREQ_BYTES),
    SIOCSIFMTU: iow("i", 52, IFREQ_BYTES),
    SIOCAIFADDR: iow("i", 26, IFALIASREQ_BYTES),
    SIOCDIFADDR: iow("i", 25, IFREQ_BYTES),
    SIOCAIFADDR_IN6: iow("i", 26, IN6_ALIASREQ_BYTES),
    SIOCDIFADDR_IN6: iow("i", 25, IN6_IFREQ_BYTES),
    SIOCIFCREATE: iowr("i", 122, IFREQ_BYTES),
    SIOCIFDESTROY: iow("i", 121, IFREQ_BYTES),
    SIOCSIFLLADDR: iow("i", 60, IFREQ_BYTES),
    SIOCSIFNAME: iow("i", 40, IFREQ_BYTES),
  },
  layout: {
    requestBytes: IFREQ_BYTES,
    aliasBytes: IFALIASREQ_BYTES,
    alias6Bytes: IN6_ALIASREQ_BYTES,
    request6Bytes: IN6_IFREQ_BYTES,
  },
  route: {
    version: 7,
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
    bytes: 176,
    addressesAt: 4,
    flagsAt: 8,
    indexAt: 12,
    mtuAt: 24,
    receivedPackets: { at: 56, bytes: 8 },
    sentPackets: { at: 72, bytes: 8 },
    receivedBytes: { at: 96, bytes: 8 },
    sentBytes: { at: 104, bytes: 8 },
    announce: { type: 0x11, indexAt: 4, whatAt: 22 },
  },
  address: { bytes: 20, addressesAt: 4, indexAt: 12 },
  tun: { way: "create", family: "tun", isDestroyed: true },
  tap: { way: "create", family: "tap", isDestroyed: true },
  TUNSIFHEAD: iow("t", 96, 4),
  TUNSIFMODE: iow("t", 94, 4),
  mtuMinBytes: 576,
  mtuMaxBytes: 65535,
};
