// TCP options: RFC 9293 section 3.2, RFC 7323, RFC 2018, RFC 2385.
import { decodePacket } from "./decode.ts";
import { checkedField, WireError } from "./errors.ts";
import { be16, be32, concat, octetAt, setBe32, word } from "./octets.ts";
import { PROTOCOL_TCP, TCP_HEADER_BYTES } from "./protocol.ts";

const KIND_EOL = 0;
const KIND_NOP = 1;
const KIND_MSS = 2;
const KIND_WINDOW_SCALE = 3;
const KIND_SACK_PERMITTED = 4;
const KIND_SACK = 5;
const KIND_TIMESTAMPS = 8;
const KIND_MD5 = 19;

/** An option of the TCP header (IANA registry of TCP option kinds). */
export type TcpOption =
  | { readonly kind: "eol" }
  | { readonly kind: "nop" }
  | { readonly kind: "mss"; readonly bytes: number }
  | { readonly kind: "windowScale"; readonly shift: number }
  | { readonly kind: "sackPermitted" }
  /** Each block: left edge, right edge. */
  | { readonly kind: "sack"; readonly blocks: readonly (readonly [number, number])[] }
  | { readonly kind: "timestamps"; readonly value: number; readonly echo: number }
  /** 16 octets. */
  | { readonly kind: "md5"; readonly digest: Uint8Array }
  | { readonly kind: "other"; readonly number: number; readonly data: Uint8Array };

/**
 * The options one after another, without padding: `tcpPacket` adds that.
 * @throws WireError E_WIRE_FIELD
 */
export function tcpOptions(options: readonly TcpOption[]): Uint8Array {
  return concat(...options.map(optionOctets));
}

function optionOctets(option: TcpOption): Uint8Array {
  switch (option.kind) {
    case "eol":
      return Uint8Array.of(KIND_EOL);
    case "nop":
      return Uint8Array.of(KIND_NOP);
    case "mss":
      return sized(KIND_MSS, word(checkedField("mss", option.bytes, 0xffff)));
    case "windowScale":
      return sized(KIND_WINDOW_SCALE, Uint8Array.of(checkedField("window scale", option.shift, 0xff)));
    case "sackPermitted":
      return sized(KIND_SACK_PERMITTED, new Uint8Array(0));
    case "sack":
      return sized(KIND_SACK, long(...option.blocks.flat()));
    case "timestamps":
      return sized(KIND_TIMESTAMPS, long(option.value, option.echo));
    case "md5":
      if (option.digest.length === 16) return sized(KIND_MD5, option.digest);
      throw new WireError("E_WIRE_FIELD", `md5 digest must have 16 octets, found ${option.digest.length}`);
    case "other":
      return sized(checkedField("option kind", option.number, 0xff), option.data);
  }
}

function sized(kind: number, data: Uint8Array): Uint8Array {
  return concat(kind, checkedField("octets of a TCP option", data.length + 2, 40), data);
}

function long(...values: readonly number[]): Uint8Array {
  const octets = new Uint8Array(values.length * 4);
  for (const [index, value] of values.entries()) {
    setBe32(octets, index * 4, checkedField("option value", value, 0xffffffff));
  }
  return octets;
}

/**
 * Reads an option area, up to its end or the end-of-list option, which is left out with the padding behind it.
 * Never throws: an option whose length cannot be ends the list; one whose length is not its kind's is `other`.
 */
export function readTcpOptions(octets: Uint8Array): TcpOption[] {
  const options: TcpOption[] = [];
  for (let at = 0; at < octets.length;) {
    const kind = octetAt(octets, at);
    if (kind === KIND_EOL) break;
    if (kind === KIND_NOP) {
      options.push({ kind: "nop" });
      at += 1;
      continue;
    }
    const bytes = octets[at + 1] ?? 0;
    if (bytes < 2 || at + bytes > octets.length) break;
    options.push(readOption(kind, octets.slice(at + 2, at + bytes)));
    at += bytes;
  }
  return options;
}

/** The options of a TCP packet; none when it is no TCP packet, or a later fragment. */
export function tcpOptionsOf(packet: Uint8Array): TcpOption[] {
  const { protocol, l4Offset, payloadOffset } = decodePacket(packet);
  if (protocol !== PROTOCOL_TCP || payloadOffset < l4Offset + TCP_HEADER_BYTES) return [];
  return readTcpOptions(packet.slice(l4Offset + TCP_HEADER_BYTES, payloadOffset));
}

function readOption(kind: number, data: Uint8Array): TcpOption {
  const { length } = data;
  if (kind === KIND_MSS && length === 2) return { kind: "mss", bytes: be16(data, 0) };
  if (kind === KIND_WINDOW_SCALE && length === 1) return { kind: "windowScale", shift: octetAt(data, 0) };
  if (kind === KIND_SACK_PERMITTED && length === 0) return { kind: "sackPermitted" };
  if (kind === KIND_SACK && length > 0 && length % 8 === 0) return { kind: "sack", blocks: readBlocks(data) };
  if (kind === KIND_TIMESTAMPS && length === 8) {
    return { kind: "timestamps", value: be32(data, 0), echo: be32(data, 4) };
  }
  if (kind === KIND_MD5 && length === 16) return { kind: "md5", digest: data };
  return { kind: "other", number: kind, data };
}

function readBlocks(data: Uint8Array): (readonly [number, number])[] {
  return Array.from({ length: data.length / 8 }, (_, index) => [be32(data, index * 8), be32(data, index * 8 + 4)]);
}
