// needs root
// Waiting without a blocked thread. tun-rs: AsyncDevice (readable, writable, recv, send, poll_*), DeviceFramed.
// tappers: AsyncTun, AsyncTap.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { PacketPort, readPackets, streamsOf } from "@bunnel/device";
import { conformance, conformancePacket } from "@bunnel/device/conformance";
import { NetworkNamespace, openLinuxDescriptor } from "../../src/index.ts";
import { PacketSocket } from "../sys.ts";
import { socketPair } from "./sys.ts";
import { procCounters, quietDevice } from "./witness.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

describe("packets of a real device", () => {
  test("come out of a loop until an abort ends it, and the event loop goes on meanwhile", async () => {
    using device = quietDevice(namespace);
    using socket = namespace.run(() => new PacketSocket(device.index));
    const controller = new AbortController();
    const lengths: number[] = [];
    let ticks = 0;
    const ticking = setInterval(() => {
      if (ticks++ < 20) socket.send(conformancePacket(60 + ticks, ticks));
      else if (lengths.length === 20) controller.abort();
    }, 1);
    for await (const packet of readPackets(device, { signal: controller.signal })) lengths.push(packet.length);
    clearInterval(ticking);
    expect(lengths).toEqual(Array.from({ length: 20 }, (_, i) => 61 + i));
  });

  test("a read with a time limit ends with its reason", async () => {
    using device = quietDevice(namespace);
    const port = new PacketPort(device);
    const reading = port.read({ signal: AbortSignal.timeout(5) }).catch((error: unknown) => (error as Error).name);
    expect(await reading).toBe("TimeoutError");
  });

  test("as streams can be piped through a transform and back", async () => {
    using device = quietDevice(namespace);
    using socket = namespace.run(() => new PacketSocket(device.index, 1));
    const { readable, writable } = streamsOf(new PacketPort(device));
    const ttl = new TransformStream<Uint8Array, Uint8Array>({
      transform(packet, controller) {
        packet[8] = 7;
        controller.enqueue(packet);
      },
    });
    const piping = readable.pipeThrough(ttl).pipeTo(writable);
    for (let i = 0; i < 5; i++) {
      socket.send(conformancePacket(60, i));
      let answer = socket.receive();
      for (let tries = 0; !answer && tries < 1000; tries++) answer = await Bun.sleep(1).then(() => socket.receive());
      expect(answer?.[8]).toBe(7);
      expect(answer?.[5]).toBe(i);
    }
    device.close();
    await piping;
  });

  test("many writes by send() all arrive", async () => {
    using device = quietDevice(namespace);
    const port = new PacketPort(device);
    for (let i = 0; i < 100; i++) await port.send(conformancePacket(60, i));
    expect(procCounters(namespace, device.name)).toMatchObject({ receivedPackets: 100 });
  });
});

// A TUN device takes whatever is written; a socket fills, so that here a full queue is real.
conformance("LinuxTun over a pair of sockets", {
  open() {
    const pair = socketPair();
    const device = openLinuxDescriptor(pair.here, { ownership: "borrowed" });
    return {
      device,
      send: (packet) => void pair.send(packet),
      receive: () => pair.receive(),
      close: () => {
        device.close();
        pair[Symbol.dispose]();
      },
    };
  },
  capabilities: { medium: "ip", vnetHeader: false, vectored: true },
  transferred: { module: new URL("../../src/hand-over.ts", import.meta.url).href, opener: "openTransferred" },
  cannot: { refuses: "a socket takes any octets for a packet" },
});
