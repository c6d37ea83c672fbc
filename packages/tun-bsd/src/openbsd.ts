// OpenBSD in numbers: sys/net, sys/netinet6, sys/sys. Bun has no build for it.
import { iow, iowr } from "@bunnel/bsd";
import type { BsdTunSystem } from "./system.ts";

const IFREQ_BYTES = 32;
const IFALIASREQ_BYTES = 64;
const IN6_ALIASREQ_BYTES = 128;
const IN6_IFREQ_BYTES = 288;

export const OPENBSD: BsdTunSystem = {
  platform: "openbsd",
  libraries: ["libc.so"],
  errnoLocation: "__errno",
  conventions: {},
  AF_INET6: 24,
  AF_LINK: 18,
  AF_ROUTE: 17,
  O_NONBLOCK: 0x4,
  O_CLOEXEC: 0x1_0000,
  EOPNOTSUPP: 45,
  NET_RT_IFLIST: 3,
  requests: {
    SIOCGIFFLAGS: iowr("i", 17, IFREQ_BYTES),
    SIOCSIFFLAGS: iow("i", 16, IFREQ_BYTES),
    SIOCGIFMTU: iowr("i", 126, IFREQ_BYTES),
    SIOCSIFMTU: iow("i", 127, IFREQ_BYTES),
    SIOCAIFADDR: iow("i", 26, IFALIASREQ_BYTES),
    SIOCDIFADDR: iow("i", 25, IFREQ_BYTES),
    SIOCAIFADDR_IN6: iow("i", 26, IN6_ALIASREQ_BYTES),
    SIOCDIFADDR_IN6: iow("i", 25, IN6_IFREQ_BYTES),
    SIOCIFCREATE: iow("i", 122, IFREQ_BYTES),
    SIOCIFDESTROY: iow("i", 121, IFREQ_BYTES),
    SIOCSIFLLADDR: iow("i", 31, IFREQ_BYTES),
  },
  layout: {
    requestBytes: IFREQ_BYTES,
    aliasBytes: IFALIASREQ_BYTES,
    alias6Bytes: IN6_ALIASREQ_BYTES,
    request6Bytes: IN6_IFREQ_BYTES,
  },
  route: {
    version: 5,
    bytes: 96,
    headerBytesAt: 4,
    indexAt: 6,
    addressesAt: 12,
    flagsAt: 16,
    pidAt: 24,
    sequenceAt: 28,
    errnoAt: 32,
    inits: { at: 36, bytes: 4 },
    mtu: { at: 60, bytes: 4 },
    align: 8,
    linkAddressBytes: 32,
  },
  link: {
    type: 0xe,
    bytes: 168,
    indexAt: 6,
    addressesAt: 12,
    flagsAt: 16,
    mtuAt: 28,
    receivedPackets: { at: 48, bytes: 8 },
    sentPackets: { at: 64, bytes: 8 },
    receivedBytes: { at: 88, bytes: 8 },
    sentBytes: { at: 96, bytes: 8 },
    announce: { type: 0xf, indexAt: 6, whatAt: 8 },
  },
  address: { bytes: 24, addressesAt: 12, indexAt: 6 },
  tun: { way: "units", family: "tun", isDestroyed: false },
  tap: { way: "units", family: "tap", isDestroyed: false },
  TUNSIFMODE: iow("t", 93, 4),
  mtuMinBytes: 576,
  mtuMaxBytes: 16384,
};
