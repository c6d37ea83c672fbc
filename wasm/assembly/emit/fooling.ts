// What makes the endpoint discard a decoy, packet by packet.
import { Fooling } from "@bunnel/abi/src/index";
import { Flow } from "../flow/table";
import { Meta } from "../mem/meta";
import { Step } from "../plan/step";
import { be32, setBe32 } from "../wire/be";
import { PROTOCOL_TCP } from "../wire/packet";
import { Tcp, TCP_ACK, TCP_HEADER_BYTES } from "../wire/tcp";
import { findOption, OPTION_TIMESTAMPS } from "../wire/tcp-options";

const TIMESTAMPS_BYTES: i32 = 10;
/** A header of four words: every endpoint discards it (RFC 9293 section 3.1), a box that does not look reads on. */
const BAD_DATA_OFFSET: u32 = 4;
/** Foolings of the TCP header. */
const TCP_ONLY: u32 = Fooling.BadSeq | Fooling.Md5Sig | Fooling.DataNoAck | Fooling.Ts | Fooling.DataOffset;

/** Those of the step's foolings that this packet can have; 0: a decoy of it would be read. */
export function foolingsFor(p: usize, m: Meta, step: Step): u32 {
  let foolings: u32 = step.foolings;
  if (m.protocol != PROTOCOL_TCP) foolings &= ~TCP_ONLY;
  // Octets that reach the message are within the window: moved by so little, they would be read.
  if (step.seqShift < 0 && step.to + step.seqShift > 0) foolings &= ~Fooling.BadSeq;
  if ((foolings & Fooling.Ts) != 0 && timestampsOf(p + m.l4Offset) == 0) foolings &= ~Fooling.Ts;
  if ((foolings & (Fooling.Ttl | Fooling.AutoTtl)) != 0 && hopLimitFor(m, step) == 0) {
    foolings &= ~(Fooling.Ttl | Fooling.AutoTtl);
  }
  return foolings;
}

/**
 * The hop limit that a fooled packet gets: from the distance where it is known, else the fixed one. 0: none, because
 * the
 * distance is not known, or the packet would arrive.
 */
export function hopLimitFor(m: Meta, step: Step): u32 {
  if ((step.foolings & Fooling.AutoTtl) == 0) return step.ttl;
  const hops = m.flow == 0 ? 0 : <i32>Flow.of(m.flow).hops;
  if (hops == 0) return step.ttl;
  const limit = min<i32>(max<i32>(hops + step.autoDelta, step.autoMin), step.autoMax);
  return limit <= hops ? <u32>limit : 0;
}

/** The fooled fields of a TCP header; its checksum comes after. */
export function foolTcp(tcp: usize, step: Step, foolings: u32): void {
  const header = Tcp.at(tcp);
  if ((foolings & Fooling.BadSeq) != 0) {
    header.seq = header.seq + <u32>step.seqShift;
    header.ack = header.ack + <u32>step.ackShift;
  }
  if ((foolings & Fooling.DataNoAck) != 0) header.flags = header.flags & ~TCP_ACK;
  if ((foolings & Fooling.Ts) != 0) {
    const option = timestampsOf(tcp);
    if (option != 0) setBe32(option, 2, be32(option, 2) + <u32>step.tsShift);
  }
  if ((foolings & Fooling.DataOffset) != 0) header.dataOffset = BAD_DATA_OFFSET;
}

function timestampsOf(tcp: usize): usize {
  const bytes = Tcp.at(tcp).headerBytes;
  return bytes < TCP_HEADER_BYTES ? 0 : findOption(tcp, bytes, OPTION_TIMESTAMPS, TIMESTAMPS_BYTES);
}
