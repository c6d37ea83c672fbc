// Numbers of linux/netlink.h and linux/rtnetlink.h that every netlink family shares.

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_MULTI = 0x2;
export const NLM_F_ACK = 0x4;
export const NLM_F_ECHO = 0x8;
/** A dump was not consistent: something changed while it ran. */
export const NLM_F_DUMP_INTR = 0x10;
/** In an answer: the request is not repeated in the acknowledgement. */
export const NLM_F_CAPPED = 0x100;
/** In an answer: attributes with the kernel's explanation follow. */
export const NLM_F_ACK_TLVS = 0x200;
/** Requests that create: what to do when the thing is, or is not, there. */
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
/** Requests that get: all of them. */
export const NLM_F_DUMP = 0x300;

export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;
export const NLMSG_HEADER_BYTES = 16;

export const NLA_HEADER_BYTES = 4;
export const NLA_F_NESTED = 0x8000;
export const NLA_TYPE_MASK = 0x3fff;

/** Attributes behind an acknowledgement: the kernel's words, and where in the request the fault lies. */
export const NLMSGERR_ATTR_MSG = 1;
export const NLMSGERR_ATTR_OFFS = 2;
export const NLMSGERR_ATTR_MISS_TYPE = 5;
export const NLMSGERR_ATTR_MISS_NEST = 6;

export const SOL_NETLINK = 270;
export const NETLINK_ADD_MEMBERSHIP = 1;
export const NETLINK_CAP_ACK = 10;
export const NETLINK_EXT_ACK = 11;
export const NETLINK_GET_STRICT_CHK = 12;
