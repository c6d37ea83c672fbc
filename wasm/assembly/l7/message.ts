// What a technique works on: the payload of a packet, what it is, and where its landmarks lie.
import { L7, LANE_PLAN } from "@bunnel/abi/src/index";
import { lane } from "../mem/lane";
import { Meta } from "../mem/meta";
import { PROTOCOL_TCP } from "../wire/packet";
import { TCP_RST, TCP_SYN, TCP_URG } from "../wire/tcp";
import { readHttpRequest } from "./http";
import { readTlsHello } from "./tls-hello";

/** The message of the packet at hand; all offsets count from its first octet. */
@unmanaged
export class Message {
  /** Address of the first octet. */
  at: usize;
  bytes: i32;
  l7: u32;
  /** 0 octets: no host name was found. */
  hostOffset: i32;
  hostBytes: i32;
  /** The data of the server_name extension; -1: none. */
  sniExtOffset: i32;

  static get current(): Message {
    return changetype<Message>(lane + LANE_PLAN);
  }
}

/** Sees whether the packet carries a message, and finds its landmarks. */
export function recognise(p: usize, m: Meta, message: Message): bool {
  const bytes = <i32>m.payloadBytes;
  if (m.protocol != PROTOCOL_TCP || bytes < 6 || m.flags != 0) return false;
  if ((m.tcpFlags & (TCP_SYN | TCP_RST | TCP_URG)) != 0) return false;
  const at = p + m.payloadOffset;
  message.at = at;
  message.bytes = bytes;
  message.hostOffset = 0;
  message.hostBytes = 0;
  message.sniExtOffset = -1;
  if (readTlsHello(at, bytes, message)) {
    message.l7 = L7.Tls;
  } else if (readHttpRequest(at, bytes, message)) {
    message.l7 = L7.Http;
  } else {
    return false;
  }
  m.l7 = <u8>message.l7;
  m.hostOffset = <u16>message.hostOffset;
  m.hostBytes = <u16>message.hostBytes;
  return true;
}
