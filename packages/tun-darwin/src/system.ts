// macOS in numbers: xnu, bsd/net, bsd/netinet6, bsd/sys. The same on both kinds of processor but for the calls.
import { ior, iow, iowr, type BsdSystem } from "@bunnel/bsd";

const IFREQ_BYTES = 32;
const IFALIASREQ_BYTES = 64;
const IN6_ALIASREQ_BYTES = 128;
const IN6_IFREQ_BYTES = 288;

export const DARWIN: BsdSystem = {
  platform: "darwin",
  libraries: ["/usr/lib/libSystem.B.dylib", "libc.dylib"],
  errnoLocation: "__error",
  // Apple's arm64 convention passes variadic arguments on the stack; that of x86-64 passes them as any others.
  conventions: { arm64: ["padded", "stubs"] },
  AF_INET6: 30,
  AF_LINK: 18,
  AF_ROUTE: 17,
  O_NONBLOCK: 0x4,
  O_CLOEXEC: 0x100_0000,
  EOPNOTSUPP: 102,
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
    SIOCIFCREATE: iowr("i", 120, IFREQ_BYTES),
    SIOCIFDESTROY: iow("i", 121, IFREQ_BYTES),
    SIOCSIFLLADDR: iow("i", 60, IFREQ_BYTES),
  },
  layout: {
    requestBytes: IFREQ_BYTES,
    aliasBytes: IFALIASREQ_BYTES,
    alias6Bytes: IN6_ALIASREQ_BYTES,
    request6Bytes: IN6_IFREQ_BYTES,
  },
  route: {
    version: 5,
    bytes: 92,
    indexAt: 4,
    flagsAt: 8,
    addressesAt: 12,
    pidAt: 16,
    sequenceAt: 20,
    errnoAt: 24,
    inits: { at: 32, bytes: 4 },
    mtu: { at: 40, bytes: 4 },
    align: 4,
    linkAddressBytes: 20,
  },
  link: {
    type: 0xe,
    bytes: 112,
    addressesAt: 4,
    flagsAt: 8,
    indexAt: 12,
    mtuAt: 24,
    receivedPackets: { at: 36, bytes: 4 },
    sentPackets: { at: 44, bytes: 4 },
    receivedBytes: { at: 56, bytes: 4 },
    sentBytes: { at: 60, bytes: 4 },
  },
  address: { bytes: 20, addressesAt: 4, indexAt: 12 },
};

/** sys/socket.h, sys/sys_domain.h, sys/kern_control.h, net/if_utun.h */
export const AF_SYSTEM = 32;
export const SYSPROTO_CONTROL = 2;
export const AF_SYS_CONTROL = 2;
export const CTL_INFO_BYTES = 100;
export const CTLIOCGINFO = iowr("N", 3, CTL_INFO_BYTES);
export const UTUN_CONTROL_NAME = "com.apple.net.utun_control";
export const UTUN_OPT_IFNAME = 2;
export const UTUN_OPT_MAX_PENDING_PACKETS = 16;

/** net/if_fake_var.h, net/if.h struct ifdrv */
export const IFDRV_BYTES = 40;
export const SIOCSDRVSPEC = iow("i", 123, IFDRV_BYTES);
export const IF_FAKE_S_CMD_SET_PEER = 1;
export const IF_FAKE_REQUEST_BYTES = 160;

/** net/ndrv.h */
export const AF_NDRV = 27;
export const SOCKADDR_NDRV_BYTES = 18;

/** net/bpf.h */
export const BIOCGBLEN = ior("B", 102, 4);
export const BIOCSBLEN = iowr("B", 102, 4);
export const BIOCPROMISC = 0x2000_4269;
export const BIOCSETIF = iow("B", 108, IFREQ_BYTES);
export const BIOCIMMEDIATE = iow("B", 112, 4);
export const BIOCSHDRCMPLT = iow("B", 117, 4);
/** Whether a reader sees what this machine sends. BIOCGSEESENT, one below, only asks. */
export const BIOCSSEESENT = iow("B", 119, 4);

/** sys/socket_private.h struct msghdr_x */
export const MSGHDR_X_BYTES = 56;
