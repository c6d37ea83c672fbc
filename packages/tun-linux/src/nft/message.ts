// Messages of nftables: tables, chains and rules, and the pair that makes several of them one transaction.
// Source: linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h.
import { NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL } from "../netlink/constants.ts";
import { NetlinkMessage } from "../netlink/message.ts";
import * as nft from "./constants.ts";
import type { Expression } from "./expression.ts";

/** A rule: expressions that are worked off in order. */
export type Rule = readonly Expression[];

/** Everything between begin and end happens, or nothing. */
export function transaction(messages: readonly NetlinkMessage[]): NetlinkMessage[] {
  const header = nfgenmsg(0, nft.NFNL_SUBSYS_NFTABLES);
  return [
    new NetlinkMessage(nft.NFNL_MSG_BATCH_BEGIN, 0, header),
    ...messages,
    new NetlinkMessage(nft.NFNL_MSG_BATCH_END, 0, header),
  ];
}

/** A table that is not there yet. `comment` is what a later run knows it by. */
export function newTable(table: string, flags: number, comment: string): NetlinkMessage {
  return inetMessage(nft.NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL)
    .string(nft.NFTA_TABLE_NAME, table)
    .be32(nft.NFTA_TABLE_FLAGS, flags)
    .attr(nft.NFTA_TABLE_USERDATA, tableComment(comment));
}

export function getTable(table: string): NetlinkMessage {
  return inetMessage(nft.NFT_MSG_GETTABLE, 0).string(nft.NFTA_TABLE_NAME, table);
}

/** The table goes with all that is in it. */
export function deleteTable(table: string): NetlinkMessage {
  return inetMessage(nft.NFT_MSG_DELTABLE, 0).string(nft.NFTA_TABLE_NAME, table);
}

/** `type route hook output priority …; policy accept`: a packet whose mark is changed in it is routed again. */
export function newRouteChain(table: string, chain: string, priority: number): NetlinkMessage {
  return inetMessage(nft.NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL)
    .string(nft.NFTA_CHAIN_TABLE, table)
    .string(nft.NFTA_CHAIN_NAME, chain)
    .string(nft.NFTA_CHAIN_TYPE, "route")
    .be32(nft.NFTA_CHAIN_POLICY, nft.NF_ACCEPT)
    .nested(nft.NFTA_CHAIN_HOOK, (hook) =>
      hook.be32(nft.NFTA_HOOK_HOOKNUM, nft.NF_INET_LOCAL_OUT).be32(nft.NFTA_HOOK_PRIORITY, priority >>> 0),
    );
}

/** `type filter hook prerouting priority …; policy accept`: what arrives, before its way is looked up. */
export function newArrivalChain(table: string, chain: string, priority: number): NetlinkMessage {
  return inetMessage(nft.NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL)
    .string(nft.NFTA_CHAIN_TABLE, table)
    .string(nft.NFTA_CHAIN_NAME, chain)
    .string(nft.NFTA_CHAIN_TYPE, "filter")
    .be32(nft.NFTA_CHAIN_POLICY, nft.NF_ACCEPT)
    .nested(nft.NFTA_CHAIN_HOOK, (hook) =>
      hook.be32(nft.NFTA_HOOK_HOOKNUM, nft.NF_INET_PRE_ROUTING).be32(nft.NFTA_HOOK_PRIORITY, priority >>> 0),
    );
}

/** A chain that packets reach only from another one. */
export function newChain(table: string, chain: string): NetlinkMessage {
  return inetMessage(nft.NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL)
    .string(nft.NFTA_CHAIN_TABLE, table)
    .string(nft.NFTA_CHAIN_NAME, chain);
}

/** A rule behind those that the chain has. */
export function newRule(table: string, chain: string, rule: Rule): NetlinkMessage {
  return inetMessage(nft.NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND)
    .string(nft.NFTA_RULE_TABLE, table)
    .string(nft.NFTA_RULE_CHAIN, chain)
    .nested(nft.NFTA_RULE_EXPRESSIONS, (list) => {
      for (const expression of rule) expression(list);
    });
}

/** Both ends included, in octets of the network's order. */
export interface SetRange {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

/** What a set of ranges holds, as `nft list` calls it: enum nft_datatypes of libnftables. */
export const SET_KEY_TYPES = { ipv4: 7, ipv6: 8, port: 13, number: 4 } as const;

/** A set of ranges that do not touch. */
export interface RangeSet {
  readonly name: string;
  readonly key: keyof typeof SET_KEY_TYPES;
  readonly keyBytes: number;
  readonly ranges: readonly SetRange[];
}

/** Elements of one message: a list is one attribute, whose length has 16 bits. */
const ELEMENTS_MAX = 512;

/** The set and what is in it. `id` names it within the transaction. */
export function newSet(table: string, { name, key, keyBytes, ranges }: RangeSet, id: number): NetlinkMessage[] {
  const set = inetMessage(nft.NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL)
    .string(nft.NFTA_SET_TABLE, table)
    .string(nft.NFTA_SET_NAME, name)
    .be32(nft.NFTA_SET_FLAGS, nft.NFT_SET_INTERVAL)
    .be32(nft.NFTA_SET_KEY_TYPE, SET_KEY_TYPES[key])
    .be32(nft.NFTA_SET_KEY_LEN, keyBytes)
    .be32(nft.NFTA_SET_ID, id);
  const messages = [set];
  for (let from = 0; from < ranges.length; from += ELEMENTS_MAX) {
    const part = ranges.slice(from, from + ELEMENTS_MAX);
    messages.push(
      inetMessage(nft.NFT_MSG_NEWSETELEM, NLM_F_CREATE)
        .string(nft.NFTA_SET_ELEM_LIST_TABLE, table)
        .string(nft.NFTA_SET_ELEM_LIST_SET, name)
        .nested(nft.NFTA_SET_ELEM_LIST_ELEMENTS, (list) => {
          for (const range of part) addRange(list, range);
        }),
    );
  }
  return messages;
}

/** A range ends before the number behind its last; one that ends with the last number of all has no end. */
function addRange(list: NetlinkMessage, { first, last }: SetRange): void {
  addElement(list, first, 0);
  const behind = successor(last);
  if (behind !== undefined) addElement(list, behind, nft.NFT_SET_ELEM_INTERVAL_END);
}

function addElement(list: NetlinkMessage, key: Uint8Array, flags: number): void {
  list.nested(nft.NFTA_LIST_ELEM, (element) => {
    if (flags !== 0) element.be32(nft.NFTA_SET_ELEM_FLAGS, flags);
    element.nested(nft.NFTA_SET_ELEM_KEY, (value) => value.attr(nft.NFTA_DATA_VALUE, key));
  });
}

function successor(octets: Uint8Array): Uint8Array | undefined {
  const next = octets.slice();
  for (let at = next.length - 1; at >= 0; at--) {
    const octet = next[at] ?? 0;
    next[at] = (octet + 1) & 0xff;
    if (octet !== 0xff) return next;
  }
  return undefined;
}

/** Removes a set that no rule uses any more. */
export function deleteSet(table: string, name: string): NetlinkMessage {
  return inetMessage(nft.NFT_MSG_DELSET, 0).string(nft.NFTA_SET_TABLE, table).string(nft.NFTA_SET_NAME, name);
}

/** Removes all rules of a chain. */
export function flushChain(table: string, chain: string): NetlinkMessage {
  return inetMessage(nft.NFT_MSG_DELRULE, 0).string(nft.NFTA_RULE_TABLE, table).string(nft.NFTA_RULE_CHAIN, chain);
}

/** A comment as libnftnl keeps it among user data: type, length, text with its NUL. */
export function tableComment(comment: string): Uint8Array {
  const text = new TextEncoder().encode(`${comment}\0`);
  if (text.length > 0xff) throw new RangeError(`table comment: expected at most 254 octets, found ${text.length - 1}`);
  return Uint8Array.of(nft.NFTNL_UDATA_TABLE_COMMENT, text.length, ...text);
}

/** Each message is acknowledged by itself; begin and end of a transaction must not be. */
function inetMessage(type: number, flags: number): NetlinkMessage {
  return new NetlinkMessage((nft.NFNL_SUBSYS_NFTABLES << 8) | type, flags | NLM_F_ACK, nfgenmsg(nft.NFPROTO_INET, 0));
}

/** struct nfgenmsg: family u8, version u8 (0), resource be16. */
function nfgenmsg(family: number, resource: number): Uint8Array {
  return Uint8Array.of(family, 0, resource >>> 8, resource & 0xff);
}
