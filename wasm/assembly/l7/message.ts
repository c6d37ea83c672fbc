// What a technique works on: the payload of a packet, what it is, and where its landmarks lie.
import { Answer, L7, LANE_NAME, LANE_PLAN, WORD_ANSWER, WORD_ANSWERED } from "@bunnel/abi/src/index";
import { lane, laneWord } from "../mem/lane";
import { Meta } from "../mem/meta";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/packet";
import { TCP_ACK, TCP_RST, TCP_SYN, TCP_URG } from "../wire/tcp";
import { DNS_HEADER_BYTES, readDnsQuery } from "./dns";
import { readHttpRequest } from "./http";
import { isLongHeader, isQuicInitial } from "./quic";
import { CONTENT_HANDSHAKE, readTlsHello } from "./tls-hello";

const DNS_PORT: u32 = 53;
/** Every HTTP method begins with a capital letter. */
const LETTER_A: u32 = 65;
const LETTERS: u32 = 26;
/** Behind the plan's steps. */
const SPARE_AT: usize = 0x2000;

/** What `recognise` found. */
export enum Found {
  /** Nothing that a rule could ask for. */
  Nothing = 0,
  /** A message with all its landmarks, as far as it has them. */
  Message = 1,
  /** The start of a message that goes on in later packets. */
  Partial = 2,
  /** A message whose host name only the host can find: QUIC is encrypted. */
  Ask = 3,
}

/** The message of the packet at hand; all offsets count from its first octet. */
@unmanaged
export class Message {
  /** Address of the first octet. */
  at: usize;
  bytes: i32;
  l7: u32;
  /** Where the name lies in the message; -1: it does not lie there as text. */
  hostOffset: i32;
  /** The name as text, wherever it lies; 0 octets: none was found. */
  hostAt: usize;
  hostBytes: i32;
  /** The data of the server_name extension; -1: none. */
  sniExtOffset: i32;
  /** Octets that are still to come; 0: it is whole. */
  missing: i32;
  /** Octets of payload that one packet may carry. */
  limit: i32;

  static get current(): Message {
    return changetype<Message>(lane + LANE_PLAN);
  }

  /** For a message of our own that is looked into on the way. */
  static get spare(): Message {
    return changetype<Message>(lane + LANE_PLAN + SPARE_AT);
  }

  start(at: usize, bytes: i32): void {
    this.at = at;
    this.bytes = bytes;
    this.l7 = L7.None;
    this.hostOffset = -1;
    this.hostAt = 0;
    this.hostBytes = 0;
    this.sniExtOffset = -1;
    this.missing = 0;
  }

  /** The name lies in the message. */
  setHost(offset: i32, bytes: i32): void {
    this.hostOffset = offset;
    this.hostAt = this.at + <usize>offset;
    this.hostBytes = bytes;
  }
}

/**
 * Sees whether the packet carries a message of a kind that some rule asks for, and finds its landmarks. `i` is the
 * packet's index in the burst, by which the host answers.
 */
export function recognise(p: usize, m: Meta, message: Message, kinds: u32, i: i32): Found {
  if (m.flags != 0) return Found.Nothing;
  message.start(p + m.payloadOffset, m.payloadBytes);
  let found = Found.Nothing;
  if (m.protocol == PROTOCOL_TCP) found = recogniseTcp(m, message, kinds);
  else if (m.protocol == PROTOCOL_UDP) found = recogniseUdp(m, message, kinds, i);
  if (found != Found.Nothing) noteMessage(m, message);
  return found;
}

/** Whether the first octets of a whole packet show already that `recognise` would find nothing in it. */
export function isOrdinary(p: usize, m: Meta): bool {
  const isTcp = m.protocol == PROTOCOL_TCP;
  if (isTcp && (m.tcpFlags & TCP_SYN) != 0) return false;
  if (m.payloadBytes == 0) return true;
  const first: u32 = load<u8>(p + m.payloadOffset);
  if (isTcp) return first != CONTENT_HANDSHAKE && first - LETTER_A >= LETTERS;
  return m.protocol != PROTOCOL_UDP || (m.destinationPort != DNS_PORT && !isLongHeader(first));
}

/** Looks at a TLS or HTTP message that was put together from several packets. False: it is none. */
export function recogniseAt(at: usize, bytes: i32, m: Meta, message: Message): bool {
  message.start(at, bytes);
  return recogniseTcp(m, message, (1 << L7.Tls) | (1 << L7.Http)) != Found.Nothing;
}

/** Enters what was found into the packet's record. */
export function noteMessage(m: Meta, message: Message): void {
  m.l7 = <u8>message.l7;
  m.hostBytes = <u16>message.hostBytes;
  m.hostOffset = <u16>max<i32>(message.hostOffset, 0);
}

function recogniseTcp(m: Meta, message: Message, kinds: u32): Found {
  const flags: u32 = m.tcpFlags;
  if ((flags & TCP_SYN) != 0) {
    if ((flags & (TCP_ACK | TCP_RST)) != 0 || (kinds & (1 << L7.Syn)) == 0) return Found.Nothing;
    message.l7 = L7.Syn;
    return Found.Message;
  }
  if (message.bytes == 0 || (flags & (TCP_RST | TCP_URG)) != 0) return Found.Nothing;
  if ((kinds & (1 << L7.Tls)) != 0 && readTlsHello(message.at, message.bytes, message)) {
    message.l7 = L7.Tls;
    return message.missing > 0 ? Found.Partial : Found.Message;
  }
  if ((kinds & (1 << L7.Http)) != 0 && readHttpRequest(message.at, message.bytes, message)) {
    message.l7 = L7.Http;
    return Found.Message;
  }
  return Found.Nothing;
}

function recogniseUdp(m: Meta, message: Message, kinds: u32, i: i32): Found {
  if ((kinds & (1 << L7.Dns)) != 0 && m.destinationPort == DNS_PORT && message.bytes >= DNS_HEADER_BYTES) {
    if (readDnsQuery(message)) {
      message.l7 = L7.Dns;
      return Found.Message;
    }
  }
  if ((kinds & (1 << L7.Quic)) == 0 || !isQuicInitial(message.at, message.bytes)) return Found.Nothing;
  message.l7 = L7.Quic;
  if (<i32>laneWord(WORD_ANSWERED) != i + 1) return Found.Ask;
  const answer = <i32>laneWord(WORD_ANSWER);
  if (answer == Answer.Incomplete) {
    message.missing = 1;
    return Found.Partial;
  }
  message.hostAt = lane + LANE_NAME;
  message.hostBytes = answer;
  return Found.Message;
}
