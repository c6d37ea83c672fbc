// Numbers of linux/netlink.h and linux/rtnetlink.h that every netlink family shares.

/** The family of links, addresses, routes, rules and neighbours. */
export const NETLINK_ROUTE = 0;
/** The family of nftables. */
export const NETLINK_NETFILTER = 12;

/** It is a request to the kernel. */
export const NLM_F_REQUEST = 0x1;
/** Further messages of the same answer follow. */
export const NLM_F_MULTI = 0x2;
/** An acknowledgement is wanted, also of success. */
export const NLM_F_ACK = 0x4;
/** What was made shall be told back. */
export const NLM_F_ECHO = 0x8;
/** A dump was not consistent: something changed while it ran. */
export const NLM_F_DUMP_INTR = 0x10;
/** In an answer: the request is not repeated in the acknowledgement. */
export const NLM_F_CAPPED = 0x100;
/** In an answer: attributes with the kernel's explanation follow. */
export const NLM_F_ACK_TLVS = 0x200;
/** Requests that create: what to do when the thing is, or is not, there. */
export const NLM_F_REPLACE = 0x100;
/** Not when it is there already. */
export const NLM_F_EXCL = 0x200;
/** Make it when it is not there. */
export const NLM_F_CREATE = 0x400;
/** Behind those that are there. */
export const NLM_F_APPEND = 0x800;
/** Requests that get: all of them. */
export const NLM_F_DUMP = 0x300;

/** Nothing; to be passed over. */
export const NLMSG_NOOP = 1;
/** The outcome of a request: an errno, or 0. */
export const NLMSG_ERROR = 2;
/** The end of an answer of several messages. */
export const NLMSG_DONE = 3;
/** Data were lost. */
export const NLMSG_OVERRUN = 4;
/** Octets of struct nlmsghdr. */
export const NLMSG_HEADER_BYTES = 16;

/** Octets of struct nlattr. */
export const NLA_HEADER_BYTES = 4;
/** The value is attributes again. */
export const NLA_F_NESTED = 0x8000;
/** The bits of the type without its flags. */
export const NLA_TYPE_MASK = 0x3fff;

/** Attributes behind an acknowledgement: the kernel's words, and where in the request the fault lies. */
export const NLMSGERR_ATTR_MSG = 1;
/** Where in the request the fault lies. */
export const NLMSGERR_ATTR_OFFS = 2;
/** The attribute that is missing. */
export const NLMSGERR_ATTR_MISS_TYPE = 5;
/** Where it is missing. */
export const NLMSGERR_ATTR_MISS_NEST = 6;

/** The level of the socket options below (linux/socket.h). */
export const SOL_NETLINK = 270;
/** Joins a multicast group. */
export const NETLINK_ADD_MEMBERSHIP = 1;
/** Acknowledgements come without the request. */
export const NETLINK_CAP_ACK = 10;
/** Acknowledgements come with the kernel's own words. */
export const NETLINK_EXT_ACK = 11;
/** Dumps are checked and filtered by the kernel. */
export const NETLINK_GET_STRICT_CHK = 12;
