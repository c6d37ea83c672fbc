// needs root: raw sockets
// Packets of clients on the loopback interface: what they ask is answered as if they had sent it themselves.
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { icmpEcho, udpPacket } from "@bunnel/wire";
import { DatagramCarrier, type DatagramCarrierOptions } from "./datagram-carrier.ts";

setDefaultTimeout(60_000);

const LOOPBACKS = ["127.0.0.1", "::1"] as const;
const opened: (Disposable | Socket)[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) {
    if (Symbol.dispose in one) one[Symbol.dispose]();
    else one.close();
  }
});

function carrierWith(more: Partial<DatagramCarrierOptions> = {}): DatagramCarrier {
  const carrier = DatagramCarrier.open({ sessionsMax: 8, idleMs: 60_000, ...more });
  opened.push(carrier);
  return carrier;
}

/** A record as lanes write it. */
function record(packet: Uint8Array, segmentBytes = 0): Uint8Array<ArrayBuffer> {
  const octets = new Uint8Array(8 + ((packet.length + 3) & ~3));
  const view = new DataView(octets.buffer);
  view.setUint32(0, packet.length, true);
  view.setUint16(4, segmentBytes, true);
  octets.set(packet, 8);
  return octets;
}

interface Peer {
  readonly socket: Socket;
  readonly port: number;
  readonly heard: { readonly text: string; readonly from: RemoteInfo }[];
}

async function peer(address: string, answers = false): Promise<Peer> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  opened.push(socket);
  const heard: Peer["heard"] = [];
  socket.on("message", (message, from) => {
    heard.push({ text: message.toString(), from });
    if (answers) socket.send(message.toString().toUpperCase(), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  return { socket, port: socket.address().port, heard };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await Bun.sleep(2);
}

const octets = (text: string) => new TextEncoder().encode(text);

describe.each(LOOPBACKS)("DatagramCarrier at %s", (address) => {
  const ends = { source: address, destination: address };

  test("sends on as somebody else, and answers come from whom was asked", async () => {
    const [client, server, carrier] = [await peer(address), await peer(address, true), carrierWith()];
    const ports = { sourcePort: client.port, destinationPort: server.port };
    for (const text of ["one", "two"]) carrier.carry(record(udpPacket({ ...ends, ...ports, payload: octets(text) })));
    await until(() => client.heard.length === 2);
    expect(client.heard.map(({ text, from }) => [text, from.port])).toEqual([
      ["ONE", server.port],
      ["TWO", server.port],
    ]);
    expect(server.heard[0]?.from.port).not.toBe(client.port);
    expect(carrier.stats).toMatchObject({ sessions: 1, sent: 2, dropped: 0 });
  });

  test("cuts a super-datagram as the client's system would have", async () => {
    const [client, server, carrier] = [await peer(address), await peer(address), carrierWith()];
    const ports = { sourcePort: client.port, destinationPort: server.port };
    carrier.carry(record(udpPacket({ ...ends, ...ports, payload: octets("aaaabbbbcc") }), 4));
    await until(() => server.heard.length === 3);
    expect(server.heard.map(({ text }) => text)).toEqual(["aaaa", "bbbb", "cc"]);
  });

  test("tells a client that nobody listens", async () => {
    const [client, gone, carrier] = [await peer(address), await peer(address), carrierWith()];
    gone.socket.close();
    opened.splice(opened.indexOf(gone.socket), 1);
    const refused = Promise.withResolvers<string | undefined>();
    client.socket.on("error", (error: NodeJS.ErrnoException) => refused.resolve(error.code));
    await new Promise<void>((resolve) => client.socket.connect(gone.port, address, resolve));
    const ports = { sourcePort: client.port, destinationPort: gone.port };
    carrier.carry(record(udpPacket({ ...ends, ...ports, payload: octets("anybody?") })));
    expect(await refused.promise).toBe("ECONNREFUSED");
    expect(carrier.stats.errorsTold).toBe(1);
  });

  test("keeps to its limit, and counts who went for others", async () => {
    const [server, carrier] = [await peer(address), carrierWith({ sessionsMax: 2 })];
    for (const sourcePort of [4001, 4002, 4003]) {
      carrier.carry(record(udpPacket({ ...ends, sourcePort, destinationPort: server.port, payload: octets("a") })));
    }
    await until(() => server.heard.length === 3);
    await until(() => carrier.stats.sessionsEvicted === 1);
    expect(carrier.stats.sessions).toBe(2);
  });

  test("carries echo requests and gives each asker its replies", async () => {
    const carrier = carrierWith();
    for (const identifier of [1, 2]) carrier.carry(record(icmpEcho({ ...ends, identifier, payload: octets("ping") })));
    await until(() => carrier.stats.echoesReceived === 2);
    expect(carrier.stats).toMatchObject({ echoesSent: 2, refused: 0 });
  });
});

test("DatagramCarrier.close() ends without a thread, and with one", async () => {
  const idle = carrierWith();
  idle.close();
  expect(await idle.closed).toBeUndefined();
  const busy = carrierWith();
  busy.start();
  busy.close();
  busy.carry(record(icmpEcho({ source: "127.0.0.1", destination: "127.0.0.1" })));
  expect(await busy.closed).toBeUndefined();
  expect(busy.stats.echoesSent).toBe(0);
});
