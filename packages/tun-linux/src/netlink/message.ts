// Netlink messages, written and read. Pure: octets in, octets out. Source: linux/netlink.h, RFC 3549 section 2.
//
//   | length u32 | type u16 | flags u16 | sequence u32 | port u32 | header of the family | attribute | attribute | …
//   attribute: | length u16 | type u16 | value | padding to four octets |
import { cString } from "@bunnel/ffi";
import { NLA_F_NESTED, NLA_HEADER_BYTES, NLA_TYPE_MASK, NLM_F_REQUEST, NLMSG_HEADER_BYTES } from "./constants.ts";

const ATTRIBUTE_MAX_BYTES = 0xffff;

/** Byte order of a number: netlink's own numbers are the machine's (little-endian here), a family may say otherwise. */
export interface NumberOptions {
  readonly bigEndian?: boolean;
}

/** The next multiple of four. */
export function aligned(bytes: number): number {
  return (bytes + 3) & ~3;
}

/** Where an attribute stands: its octet behind the netlink header, and its type behind those of its holders. */
interface Mark {
  readonly at: number;
  readonly path: readonly number[];
}

/** A message under construction: the family's fixed header, then attributes in the order of the calls. */
export class NetlinkMessage {
  readonly #parts: Uint8Array[];
  readonly #marks: Mark[] = [];
  #bytes: number;

  /**
   * @param type message type of the family; for nfnetlink the subsystem stands in its high octet
   * @param flags NLM_F_* besides NLM_F_REQUEST, which every request carries
   * @param header the family's fixed header (ifinfomsg, rtmsg, nfgenmsg…)
   */
  constructor(
    readonly type: number,
    readonly flags: number,
    header: Uint8Array,
  ) {
    this.#parts = [padded(header)];
    this.#bytes = aligned(header.length);
  }

  /** @throws RangeError when the attribute is longer than its 16-bit length can say */
  attr(type: number, value: Uint8Array): this {
    const length = NLA_HEADER_BYTES + value.length;
    if (length > ATTRIBUTE_MAX_BYTES) {
      throw new RangeError(
        `netlink attribute ${type}: expected at most ${ATTRIBUTE_MAX_BYTES} octets, found ${length}`,
      );
    }
    const octets = new Uint8Array(aligned(length));
    const view = new DataView(octets.buffer);
    view.setUint16(0, length, true);
    view.setUint16(2, type, true);
    octets.set(value, NLA_HEADER_BYTES);
    this.#marks.push({ at: this.#bytes, path: [type & NLA_TYPE_MASK] });
    this.#parts.push(octets);
    this.#bytes += octets.length;
    return this;
  }

  /** Adds an attribute of one octet. */
  u8(type: number, value: number): this {
    return this.attr(type, Uint8Array.of(value));
  }

  /** Adds an attribute of 16 bits, in the machine's order unless told. */
  u16(type: number, value: number, options?: NumberOptions): this {
    const octets = new Uint8Array(2);
    new DataView(octets.buffer).setUint16(0, value, !options?.bigEndian);
    return this.attr(type, octets);
  }

  /** Adds an attribute of 32 bits, in the machine's order unless told. */
  u32(type: number, value: number, options?: NumberOptions): this {
    const octets = new Uint8Array(4);
    new DataView(octets.buffer).setUint32(0, value, !options?.bigEndian);
    return this.attr(type, octets);
  }

  /** Adds an attribute of 64 bits, in the machine's order unless told. */
  u64(type: number, value: bigint | number, options?: NumberOptions): this {
    const octets = new Uint8Array(8);
    new DataView(octets.buffer).setBigUint64(0, BigInt(value), !options?.bigEndian);
    return this.attr(type, octets);
  }

  /** Adds an attribute of 32 bits in network order, as netfilter has them. */
  be32(type: number, value: number): this {
    return this.u32(type, value, { bigEndian: true });
  }

  /** Adds an attribute of 64 bits in network order. */
  be64(type: number, value: bigint | number): this {
    return this.u64(type, value, { bigEndian: true });
  }

  /** A text with a NUL behind it. */
  string(type: number, text: string): this {
    return this.attr(type, cString(text));
  }

  /** An attribute without a value: its presence is the message. */
  flag(type: number): this {
    return this.attr(type, new Uint8Array(0));
  }

  /** An attribute that holds `header` and the attributes which `fill` adds. NLA_F_NESTED is set. */
  nested(type: number, fill: (message: NetlinkMessage) => void, header: Uint8Array = new Uint8Array(0)): this {
    const inner = new NetlinkMessage(0, 0, header);
    fill(inner);
    const at = this.#bytes + NLA_HEADER_BYTES;
    this.attr(type | NLA_F_NESTED, inner.body());
    this.#marks.push(...inner.#marks.map((mark) => ({ at: at + mark.at, path: [type, ...mark.path] })));
    return this;
  }

  /**
   * The attribute that starts at an octet of the whole message, as the kernel names it in an error: its type, behind
   * the types of the attributes that hold it.
   */
  attributePath(offset: number): readonly number[] | undefined {
    return this.#marks.find(({ at }) => at + NLMSG_HEADER_BYTES === offset)?.path;
  }

  /** The whole message, NLM_F_REQUEST set, the port left to the kernel. */
  toBytes(sequence: number, extraFlags = 0): Uint8Array {
    const octets = new Uint8Array(NLMSG_HEADER_BYTES + this.#bytes);
    const view = new DataView(octets.buffer);
    view.setUint32(0, octets.length, true);
    view.setUint16(4, this.type, true);
    view.setUint16(6, this.flags | extraFlags | NLM_F_REQUEST, true);
    view.setUint32(8, sequence, true);
    octets.set(this.body(), NLMSG_HEADER_BYTES);
    return octets;
  }

  /** The family's header and the attributes, without the netlink header. */
  body(): Uint8Array {
    const octets = new Uint8Array(this.#bytes);
    let at = 0;
    for (const part of this.#parts) {
      octets.set(part, at);
      at += part.length;
    }
    return octets;
  }
}

function padded(octets: Uint8Array): Uint8Array {
  const whole = new Uint8Array(aligned(octets.length));
  whole.set(octets);
  return whole;
}

/** A message that came in. `payload` starts with the family's header. */
export interface ReceivedMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly port: number;
  readonly payload: Uint8Array;
}

/**
 * The messages of one datagram. A length that does not fit ends the reading: what stands behind it has no known start.
 */
export function parseMessages(octets: Uint8Array): ReceivedMessage[] {
  const messages: ReceivedMessage[] = [];
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  let at = 0;
  while (at + NLMSG_HEADER_BYTES <= octets.length) {
    const length = view.getUint32(at, true);
    if (length < NLMSG_HEADER_BYTES || at + length > octets.length) break;
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      port: view.getUint32(at + 12, true),
      payload: octets.slice(at + NLMSG_HEADER_BYTES, at + length),
    });
    at += aligned(length);
  }
  return messages;
}

/**
 * Attributes by type, NLA_F_NESTED and NLA_F_NET_BYTEORDER masked off. Where a type stands twice the last one is kept;
 * use `parseAttributeList` for lists. A length that does not fit ends the reading.
 */
export function parseAttributes(octets: Uint8Array): Map<number, Uint8Array> {
  return new Map(parseAttributeList(octets).map(({ type, value }) => [type, value]));
}

/** Attributes in their order, also those whose type stands more than once. */
export function parseAttributeList(octets: Uint8Array): { readonly type: number; readonly value: Uint8Array }[] {
  const attributes: { type: number; value: Uint8Array }[] = [];
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  let at = 0;
  while (at + NLA_HEADER_BYTES <= octets.length) {
    const length = view.getUint16(at, true);
    if (length < NLA_HEADER_BYTES || at + length > octets.length) break;
    const type = view.getUint16(at + 2, true) & NLA_TYPE_MASK;
    attributes.push({ type, value: octets.subarray(at + NLA_HEADER_BYTES, at + length) });
    at += aligned(length);
  }
  return attributes;
}
