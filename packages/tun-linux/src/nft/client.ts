// The connection to nftables. A table with the owner flag lives as long as this connection.
import { DeviceError } from "@bunnel/device";
import { fromCString } from "@bunnel/ffi";
import { systemError } from "../errors.ts";
import { NETLINK_NETFILTER } from "../netlink/constants.ts";
import { parseAttributes, type NetlinkMessage } from "../netlink/message.ts";
import { NetlinkSocket } from "../netlink/socket.ts";
import { NFT_TABLE_F_OWNER, NFTA_TABLE_FLAGS, NFTA_TABLE_OWNER, NFTA_TABLE_USERDATA } from "./constants.ts";
import { NFTNL_UDATA_TABLE_COMMENT } from "./constants.ts";
import { getTable, transaction } from "./message.ts";

const ENOENT = 2; // asm-generic/errno-base.h
/** Octets of struct nfgenmsg before the attributes. */
const NFGENMSG_BYTES = 4;

/** A table of family inet, as the system describes it. */
export interface NftTable {
  /** It belongs to a living connection; only that can change it. */
  readonly owned: boolean;
  /** Its comment, "" without one. */
  readonly comment: string;
}

export class NftClient implements Disposable {
  readonly #socket: NetlinkSocket;

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /**
   * Connects to the nftables of the calling thread's network namespace.
   * @throws DeviceError E_UNSUPPORTED where the kernel has no nfnetlink
   */
  static open(): NftClient {
    return new NftClient(NetlinkSocket.open(NETLINK_NETFILTER));
  }

  /**
   * Does all of it, or nothing.
   * @throws DeviceError of the first message that was refused
   */
  commit(messages: readonly NetlinkMessage[]): void {
    this.#socket.batch(transaction(messages));
  }

  /** @throws DeviceError E_DEVICE_DENIED without CAP_NET_ADMIN */
  table(name: string): NftTable | undefined {
    try {
      const answer = this.#socket.get(getTable(name));
      if (answer === undefined) throw systemError(`reading nftables table ${name}`, ENOENT);
      return parseTable(answer.payload.subarray(NFGENMSG_BYTES));
    } catch (error) {
      if (error instanceof DeviceError && error.errno === ENOENT) return undefined;
      throw error;
    }
  }

  /** Ends the connection; tables that it owns go with it. A second call does nothing. */
  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Reads a table from its attributes. */
export function parseTable(octets: Uint8Array): NftTable {
  const attributes = parseAttributes(octets);
  const flags = attributes.get(NFTA_TABLE_FLAGS);
  const owner = flags !== undefined && ((flags[3] ?? 0) & NFT_TABLE_F_OWNER) !== 0;
  const userData = attributes.get(NFTA_TABLE_USERDATA) ?? new Uint8Array(0);
  return { owned: owner || attributes.has(NFTA_TABLE_OWNER), comment: commentOf(userData) };
}

/** User data are entries of type u8, length u8 and value. */
function commentOf(userData: Uint8Array): string {
  for (let at = 0; at + 2 <= userData.length; at += 2 + (userData[at + 1] ?? 0)) {
    const value = userData.subarray(at + 2, at + 2 + (userData[at + 1] ?? 0));
    if (userData[at] === NFTNL_UDATA_TABLE_COMMENT) return fromCString(value);
  }
  return "";
}
