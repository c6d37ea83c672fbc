// Expressions of nftables rules, one netlink list element each. A rule is a list of them, worked off in order until one
// does not match; all of them use the one register of sixteen octets. Source: linux/netfilter/nf_tables.h.
import type { NetlinkMessage } from "../netlink/message.ts";
import * as nft from "./constants.ts";

/** Adds itself to the expression list of a rule. */
export type Expression = (list: NetlinkMessage) => void;

/** Where the octets of a packet are counted from: enum nft_payload_bases. */
export enum PayloadBase {
  Network = 1,
  Transport = 2,
  /** What the transport protocol carries; Linux 5.16 and later. */
  Inner = 3,
}

const REGISTER_BYTES = 16;

function expression(name: string, fill: (data: NetlinkMessage) => void): Expression {
  return (list) =>
    list.nested(nft.NFTA_LIST_ELEM, (element) =>
      element.string(nft.NFTA_EXPR_NAME, name).nested(nft.NFTA_EXPR_DATA, fill),
    );
}

/** The value goes to the register. */
export function loadMeta(key: number): Expression {
  return expression("meta", (data) => data.be32(nft.NFTA_META_KEY, key).be32(nft.NFTA_META_DREG, nft.NFT_REG_1));
}

/** The register becomes the value. */
export function storeMeta(key: number): Expression {
  return expression("meta", (data) => data.be32(nft.NFTA_META_KEY, key).be32(nft.NFTA_META_SREG, nft.NFT_REG_1));
}

/** Octets of the packet go to the register; a packet that is too short does not match. */
export function loadPayload(base: PayloadBase, offset: number, bytes: number): Expression {
  mustFitRegister(bytes);
  return expression("payload", (data) =>
    data
      .be32(nft.NFTA_PAYLOAD_DREG, nft.NFT_REG_1)
      .be32(nft.NFTA_PAYLOAD_BASE, base)
      .be32(nft.NFTA_PAYLOAD_OFFSET, offset)
      .be32(nft.NFTA_PAYLOAD_LEN, bytes),
  );
}

/** The register becomes (register AND mask) XOR xor. */
export function bitwise(mask: Uint8Array, xor: Uint8Array): Expression {
  mustFitRegister(mask.length);
  if (mask.length !== xor.length) {
    throw new RangeError(`bitwise: expected mask and xor of one length, found ${mask.length} and ${xor.length}`);
  }
  return expression("bitwise", (data) =>
    data
      .be32(nft.NFTA_BITWISE_SREG, nft.NFT_REG_1)
      .be32(nft.NFTA_BITWISE_DREG, nft.NFT_REG_1)
      .be32(nft.NFTA_BITWISE_OP, nft.NFT_BITWISE_MASK_XOR)
      .be32(nft.NFTA_BITWISE_LEN, mask.length)
      .nested(nft.NFTA_BITWISE_MASK, (value) => value.attr(nft.NFTA_DATA_VALUE, mask))
      .nested(nft.NFTA_BITWISE_XOR, (value) => value.attr(nft.NFTA_DATA_VALUE, xor)),
  );
}

/** Matches when the register's first octets are these. */
export function equals(octets: Uint8Array): Expression {
  return compare(nft.NFT_CMP_EQ, octets);
}

/** Matches when the register's first octets are not these. */
export function differs(octets: Uint8Array): Expression {
  return compare(nft.NFT_CMP_NEQ, octets);
}

function compare(operator: number, octets: Uint8Array): Expression {
  mustFitRegister(octets.length);
  return expression("cmp", (data) =>
    data
      .be32(nft.NFTA_CMP_SREG, nft.NFT_REG_1)
      .be32(nft.NFTA_CMP_OP, operator)
      .nested(nft.NFTA_CMP_DATA, (value) => value.attr(nft.NFTA_DATA_VALUE, octets)),
  );
}

/** Ends the chain for this packet; it goes on as if the chain had no more rules. */
export function returnVerdict(): Expression {
  return verdict((code) => code.be32(nft.NFTA_VERDICT_CODE, nft.NFT_RETURN >>> 0));
}

/** Goes on in another chain and does not come back to this one. */
export function gotoVerdict(chain: string): Expression {
  return verdict((code) => code.be32(nft.NFTA_VERDICT_CODE, nft.NFT_GOTO >>> 0).string(nft.NFTA_VERDICT_CHAIN, chain));
}

function verdict(fill: (code: NetlinkMessage) => void): Expression {
  return expression("immediate", (data) =>
    data
      .be32(nft.NFTA_IMMEDIATE_DREG, nft.NFT_REG_VERDICT)
      .nested(nft.NFTA_IMMEDIATE_DATA, (value) => value.nested(nft.NFTA_DATA_VERDICT, fill)),
  );
}

/** Matches when the register's octets are in the set; `inverted`: when they are not. */
export function isInSet(set: string, inverted = false): Expression {
  return expression("lookup", (data) => {
    data.string(nft.NFTA_LOOKUP_SET, set).be32(nft.NFTA_LOOKUP_SREG, nft.NFT_REG_1);
    if (inverted) data.be32(nft.NFTA_LOOKUP_FLAGS, nft.NFT_LOOKUP_F_INV);
  });
}

/** The register's number of 32 bits goes from the machine's order to that of the network, in which sets sort. */
export function toNetworkOrder(): Expression {
  return expression("byteorder", (data) =>
    data
      .be32(nft.NFTA_BYTEORDER_SREG, nft.NFT_REG_1)
      .be32(nft.NFTA_BYTEORDER_DREG, nft.NFT_REG_1)
      .be32(nft.NFTA_BYTEORDER_OP, nft.NFT_BYTEORDER_HTON)
      .be32(nft.NFTA_BYTEORDER_LEN, 4)
      .be32(nft.NFTA_BYTEORDER_SIZE, 4),
  );
}

/** The number of the control group, version 2, in which the packet's socket is, at this depth below the root. */
export function loadCgroup(level: number): Expression {
  return expression("socket", (data) =>
    data
      .be32(nft.NFTA_SOCKET_KEY, nft.NFT_SOCKET_CGROUPV2)
      .be32(nft.NFTA_SOCKET_DREG, nft.NFT_REG_1)
      .be32(nft.NFTA_SOCKET_LEVEL, level),
  );
}

/** The name of the interface by which the routes lead to the packet's destination; empty: by none, or to ourselves. */
export function loadWayOut(): Expression {
  return expression("fib", (data) =>
    data
      .be32(nft.NFTA_FIB_DREG, nft.NFT_REG_1)
      .be32(nft.NFTA_FIB_RESULT, nft.NFT_FIB_RESULT_OIFNAME)
      .be32(nft.NFTA_FIB_FLAGS, nft.NFTA_FIB_F_DADDR),
  );
}

/** Connection tracking does not see the packet. */
export function untracked(): Expression {
  return expression("notrack", () => {});
}

/** Counts the packets that come this far, from zero. */
export function counter(): Expression {
  return expression("counter", () => {});
}

function mustFitRegister(bytes: number): void {
  if (bytes < 1 || bytes > REGISTER_BYTES) {
    throw new RangeError(`nftables register: expected 1…${REGISTER_BYTES} octets, found ${bytes}`);
  }
}
