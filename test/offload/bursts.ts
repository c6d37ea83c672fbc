// Bursts of packets as flows send them, in which much can be merged and something stands in its way.
import fc, { type Arbitrary } from "fast-check";
import { RX_MAX } from "@bunnel/abi";
import {
  pseudoHeaderSum,
  superDatagram,
  superPacket,
  tcpOptions,
  tcpPacket,
  udpPacket,
  virtioNetHeader,
  VIRTIO_NEEDS_CHECKSUM,
  type TcpFields,
} from "@bunnel/wire";
import { framed, type Framed } from "./rig.ts";

const OPTIONS = [
  new Uint8Array(0),
  tcpOptions([{ kind: "nop" }, { kind: "nop" }, { kind: "timestamps", value: 7, echo: 9 }]),
  tcpOptions([{ kind: "nop" }, { kind: "nop" }, { kind: "timestamps", value: 8, echo: 9 }]),
];

/** Mostly the first: bursts in which much can be merged and something stands in its way. */
const mostly = <T>(usual: T, ...others: T[]): Arbitrary<T> =>
  fc.oneof({ weight: 40, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

type Sum = "right" | "partial" | "none" | "wrong";

/** What differs from one packet of a flow to the next. */
const step = fc.record({
  flow: fc.nat(5),
  bytes: mostly(60, 0, 1, 59, 61, 300, 1400),
  /** Where a segment starts, from the end of the one before it. */
  gap: mostly(0, 1, -1, -60, 60),
  flags: mostly<string | number>("A", "PA", "PA", "PA", "FA", "S", "RA", 0x90, 0x50, 0),
  hopLimit: mostly(64, 63),
  /** The last two bits are those of congestion: not capable, capable (both ways of saying it), experienced. */
  tos: mostly(0, 1, 2, 3, 8),
  dontFragment: mostly(true, false),
  idGap: mostly(1, 0, 7),
  ack: mostly(1, 2),
  window: mostly(64240, 1),
  options: fc.constantFrom(...OPTIONS.slice(0, 2)).chain((usual) => mostly(usual, ...OPTIONS)),
  checksum: fc
    .constantFrom<Sum>("right", "partial")
    .chain((usual) => mostly<Sum>(usual, "right", "partial", "none", "wrong")),
  seed: fc.nat(255),
  gsoBytes: mostly(0, 7, 60, 500),
});
type Step = Parameters<Parameters<typeof step.map>[0]>[0];

/** Packets of six flows, TCP and UDP, IPv4 and IPv6, in any order. */
export const flowBurst = fc
  .tuple(fc.array(step, { minLength: 1, maxLength: RX_MAX, size: "max" }), fc.nat(0xffffffff), fc.nat(0xffff))
  .map(([steps, seq, id]) => {
    const next = new Map<number, { seq: number; id: number }>();
    return steps.map((each) => {
      const state = next.get(each.flow) ?? { seq, id };
      const packet = packetOf(each, (state.seq + each.gap) >>> 0, state.id);
      next.set(each.flow, {
        seq: (state.seq + each.gap + each.bytes) >>> 0,
        id: (state.id + each.idGap) & 0xffff,
      });
      return packet;
    });
  });

function packetOf(each: Step, seq: number, id: number): Framed {
  const { flow, bytes, hopLimit, tos, dontFragment, ack, window, options, flags, seed, gsoBytes } = each;
  const isV6 = flow % 2 === 1;
  const fields: TcpFields = {
    source: isV6 ? "2001:db8::7" : "192.0.2.7",
    destination: isV6 ? "2001:db8:1::9" : "203.0.113.9",
    sourcePort: 40000 + (flow >> 2),
    destinationPort: 443,
    payload: new Uint8Array(bytes).map((_, i) => i * 31 + seed),
    ...{ hopLimit, tos, dontFragment, id, seq, ack, window, options, flags },
  };
  const isTcp = flow % 4 < 2;
  if (gsoBytes > 0 && bytes > gsoBytes) return (isTcp ? superPacket : superDatagram)(fields, gsoBytes);
  return (isTcp ? tcpFramed : udpFramed)(fields, each.checksum);
}

function tcpFramed(fields: TcpFields, kind: Sum): Framed {
  const whole = tcpPacket(fields);
  if (kind === "wrong") return framed(tcpPacket({ ...fields, checksum: 0x1111 }));
  if (kind !== "partial") return framed(whole);
  return partialOf(whole);
}

/** The TCP packet as the system hands it to a device that completes checksums. */
export function partialOf(whole: Uint8Array): Framed {
  const packet = whole.slice();
  const at = ((packet[0] ?? 0) >> 4 === 6 ? 40 : 20) + 16;
  new DataView(packet.buffer).setUint16(at, partialSum(whole, 6));
  return framed(packet, partialHeader(whole, 16));
}

function udpFramed(fields: TcpFields, kind: Sum): Framed {
  const whole = udpPacket(fields);
  if (kind === "wrong") return framed(udpPacket({ ...fields, checksum: 0x1111 }));
  if (kind === "none") return framed(udpPacket({ ...fields, checksum: 0 }));
  if (kind !== "partial") return framed(whole);
  return framed(udpPacket({ ...fields, checksum: partialSum(whole, 17) }), partialHeader(whole, 6));
}

function partialSum(packet: Uint8Array, protocol: number): number {
  const isV6 = (packet[0] ?? 0) >> 4 === 6;
  const [from, middle, to, header] = isV6 ? [8, 24, 40, 40] : [12, 16, 20, 20];
  return pseudoHeaderSum(packet.slice(from, middle), packet.slice(middle, to), protocol, packet.length - header);
}

function partialHeader(packet: Uint8Array, checksumOffset: number): Uint8Array {
  const checksumStart = (packet[0] ?? 0) >> 4 === 6 ? 40 : 20;
  return virtioNetHeader({ flags: VIRTIO_NEEDS_CHECKSUM, checksumStart, checksumOffset });
}
