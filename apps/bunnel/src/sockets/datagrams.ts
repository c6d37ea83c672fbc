// Datagrams and echo requests where everything leaves by sockets: the answers go into the device.
import type { DatagramCarrying } from "@bunnel/backend";
import type { PacketList } from "@bunnel/device";
import { PortableCarrier, type SocketSystem } from "@bunnel/stream";
import type { Profile } from "@bunnel/profile";
import { fragmentsOf } from "@bunnel/wire";
import { limitsOf } from "../stream/carry.ts";
import type { DeviceOut } from "./device-out.ts";
import type { Uplink } from "./uplink.ts";

const SCRATCH_BYTES = 65_536;
/** Behind what the way out may use. */
const PACKET_AT = SCRATCH_BYTES + 64;

export interface DatagramParts {
  readonly uplink: Uplink;
  /** Of the device. */
  readonly mtuBytes: () => number;
  /** Of its own. */
  readonly out: DeviceOut;
  readonly system: SocketSystem | undefined;
}

/** @throws StreamError where sockets cannot be bound to an interface */
export function openDatagrams(profile: Profile, { uplink, mtuBytes, out, system }: DatagramParts): DatagramCarrying {
  const memory = new ArrayBuffer(PACKET_AT + 65_536);
  const octets = new Uint8Array(memory);
  const list: PacketList = { at: Uint32Array.of(PACKET_AT), lengths: new Uint16Array(1) };
  out.attach(memory, 0, SCRATCH_BYTES);
  let datagrams = 0;
  const deliver = (packet: Uint8Array): void => {
    datagrams += 1;
    for (const piece of piecesOf(packet, mtuBytes(), datagrams)) {
      octets.set(piece, PACKET_AT);
      list.lengths[0] = piece.length;
      // A device without room for a datagram loses it, as any queue does.
      out.send(list, 0, 1);
    }
  };
  const carrier = new PortableCarrier({
    ...{ ...limitsOf(profile), bindTo: uplink.name, deliver },
    ...(system && { system }),
  });
  const unfollow = uplink.follow((name) => carrier.bind(name));
  const close = (): void => {
    unfollow();
    carrier.close();
    out.close();
  };
  return {
    carry: (packets) => carrier.carry(packets),
    get figures() {
      return { ...carrier.stats };
    },
    load: (next) => carrier.limit(limitsOf(next)),
    closed: carrier.closed,
    close,
    [Symbol.dispose]: close,
  };
}

/** Octets of IP headers, the fragment header of IPv6 among them. */
const HEADERS = { 4: 20, 6: 48 } as const;

/** What fits the device: an interface takes nothing longer than its MTU from whoever writes to it. */
function piecesOf(packet: Uint8Array, mtuBytes: number, id: number): readonly Uint8Array[] {
  if (packet.length <= mtuBytes) return [packet];
  const family = (packet[0] ?? 0) >> 4 === 4 ? 4 : 6;
  if (family === 4) new DataView(packet.buffer, packet.byteOffset).setUint16(IDENTIFICATION_AT, id & 0xffff);
  const most = (mtuBytes - HEADERS[family]) & ~7;
  const body = packet.length - (family === 4 ? HEADERS[4] : 40);
  const sizes = Array.from({ length: Math.ceil(body / most) - 1 }, () => most);
  return fragmentsOf(packet, sizes, id >>> 0);
}

/** RFC 791 section 3.1. */
const IDENTIFICATION_AT = 4;
