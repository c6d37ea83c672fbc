// needs root
// What we merge, and the kernel that cuts it: super-packets written into a device arrive at real sockets.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Engine, type Lane } from "@bunnel/engine";
import {
  eventOf,
  NetworkNamespace,
  openLinuxTun,
  openPump,
  portOf,
  probeUring,
  type LinuxTun,
  type Pump,
  type PumpBackend,
} from "@bunnel/tun-linux";
import { decodePacket, tcpOptions, tcpPacket, udpPacket, type DecodedPacket } from "@bunnel/wire";
import { framed, load } from "./rig.ts";
import { countersOf } from "@bunnel/tools/soak";

const OURS = ["192.0.2.9", "2001:db8::9"] as const;
const THEIRS = ["192.0.2.1", "2001:db8::1"] as const;
const PORT = 5001;
const BACKENDS: readonly PumpBackend[] = probeUring() === "" ? ["plain", "uring"] : ["plain"];
const FAMILIES = [0, 1] as const;

describe.each(BACKENDS)("merged packets in the kernel, %s", (backend) => {
  let namespace: NetworkNamespace;
  let device: LinuxTun;
  let lane: Lane;
  let pump: Pump;
  beforeAll(async () => {
    namespace = NetworkNamespace.create();
    const addresses = [`${THEIRS[0]}/24`, `${THEIRS[1]}/64`];
    device = namespace.run(() => openLinuxTun({ addresses, ipv6LinkLocal: "none", offload: true }));
    const engine = await Engine.create({ warm: false });
    lane = engine.lane(0, { plan: false, rxVnet: true, txVnet: true });
    const { memory, rings } = lane;
    pump = openPump({ memory, rings, ports: [portOf(device)], eventFd: eventOf(device), backend });
  });
  afterAll(() => {
    pump.close();
    device.close();
    namespace.close();
  });

  /** Merges a burst and writes it; gives how many packets that were. */
  const write = (packets: readonly Uint8Array[]): number => {
    load(
      lane,
      packets.map((packet) => framed(packet)),
    );
    const groups = lane.coalesce(0, packets.length, pump.base);
    expect(pump.writeGroups(0, lane, groups)).toBe(groups);
    return groups;
  };
  const wrongChecksums = (): number => countersOf(namespace, "InCsumErrors");
  const received = (): number => countersOf(namespace, "InReceives");

  test.each(FAMILIES)("a UDP socket gets every datagram as it was sent, address family %i", async (family) => {
    const [source, destination] = [OURS[family], THEIRS[family]];
    const came: string[] = [];
    const done = Promise.withResolvers<void>();
    const sent = Array.from({ length: 60 }, (_, i) => new Uint8Array(i === 59 ? 7 : 500).fill(i));
    const opening: Promise<Bun.udp.Socket<"buffer">>[] = [];
    namespace.run(() => {
      const data = (_socket: unknown, octets: Uint8Array): void => {
        came.push(octets.toHex());
        if (came.length === sent.length) done.resolve();
      };
      opening.push(Bun.udpSocket({ hostname: destination, port: PORT, socket: { data } }));
    });
    const [socket] = await Promise.all(opening);
    const before = received();
    const fields = { source, destination, sourcePort: 40000, destinationPort: PORT };
    expect(write(sent.map((payload) => udpPacket({ ...fields, payload })))).toBe(1);
    await done.promise;
    socket?.close();
    expect(came).toEqual(sent.map((octets) => octets.toHex()));
    expect(received() - before).toBe(1);
    expect(wrongChecksums()).toBe(0);
  });

  test.each(FAMILIES)("a TCP socket reads the stream that was sent, address family %i", async (family) => {
    const [source, destination] = [OURS[family], THEIRS[family]];
    const sent = new Uint8Array(40 * 1000 + 5).map((_, i) => i * 7);
    const chunks: Uint8Array[] = [];
    const done = Promise.withResolvers<void>();
    const listener = namespace.run(() =>
      Bun.listen({
        hostname: destination,
        port: PORT + 1,
        socket: { data: (_socket, octets) => void chunks.push(octets.slice()), end: () => done.resolve() },
      }),
    );
    const fields = { source, destination, sourcePort: 40001, destinationPort: PORT + 1 };
    const options = tcpOptions([{ kind: "mss", bytes: 1400 }]);
    write([tcpPacket({ ...fields, seq: 999, flags: "S", options })]);
    const answer = await answerOf(pump, lane, (packet) => packet.tcpFlags === 0x12);
    const segment = (at: number, flags: string, payload?: Uint8Array): Uint8Array =>
      tcpPacket({ ...fields, seq: 1000 + at, ack: answer.seq + 1, flags, ...(payload && { payload }) });
    write([segment(0, "A")]);
    const before = received();
    const segments = Array.from({ length: 41 }, (_, i) =>
      segment(i * 1000, i === 40 ? "PA" : "A", sent.subarray(i * 1000, (i + 1) * 1000)),
    );
    expect(write(segments)).toBe(1);
    expect(received() - before).toBe(1);
    write([segment(sent.length, "FA")]);
    await done.promise;
    listener.stop(true);
    expect(Buffer.concat(chunks).equals(sent)).toBe(true);
    expect(wrongChecksums()).toBe(0);
  });
});

/** Reads until a packet comes that is wanted. */
async function answerOf(pump: Pump, lane: Lane, isWanted: (packet: DecodedPacket) => boolean): Promise<DecodedPacket> {
  for (let waits = 0; waits < 50; waits++) {
    pump.wait(100);
    const count = pump.read(0, lane.rx, 0, lane.slotPacketBytes);
    for (let i = 0; i < count; i++) {
      const at = lane.rx.at[i] ?? 0;
      const packet = decodePacket(new Uint8Array(lane.memory, at, lane.rx.lengths[i]).slice());
      if (isWanted(packet)) return packet;
    }
    // The kernel's sockets live in this thread, too.
    await Bun.sleep(0);
  }
  throw new Error("expected an answer of the kernel, found none");
}
