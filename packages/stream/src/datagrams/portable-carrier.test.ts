// needs root: sockets are bound to an interface
// Packets of clients, carried on by portable sockets of this system, and as macOS has them.
import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createSocket, type Socket } from "node:dgram";
import { decodePacket, formatAddress, icmpEcho, parseAddress, udpPacket, type DecodedPacket } from "@bunnel/wire";
import { BsdKernel, compiler } from "../../test/kernel/bsd-kernel.ts";
import { PortableCarrier, type PortableCarrierOptions } from "./portable-carrier.ts";
import { recordsOf } from "./records.ts";

setDefaultTimeout(60_000);

const kernel = process.platform === "linux" && compiler !== undefined ? new BsdKernel("darwin", compiler) : undefined;
const opened: (Disposable | Socket)[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) {
    if (Symbol.dispose in one) one[Symbol.dispose]();
    else one.close();
  }
});
afterAll(() => kernel?.[Symbol.dispose]());

type Case = readonly [name: string, options: Pick<PortableCarrierOptions, "system" | "bindTo">];
const systems: readonly Case[] = [
  ["this system", {}],
  ...(kernel === undefined ? [] : [["fake kernel of macOS", { system: kernel.system, bindTo: "lo" }] as Case]),
];
const octets = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = ({ payload }: DecodedPacket): string => new TextDecoder().decode(payload);

describe.each(systems)("PortableCarrier, %s", (_, options) => {
  const carrierWith = (more: Partial<PortableCarrierOptions> = {}) => {
    const answers: DecodedPacket[] = [];
    const deliver = (packet: Uint8Array): void => void answers.push(decodePacket(packet.slice()));
    const carrier = new PortableCarrier({ sessionsMax: 8, idleMs: 60_000, deliver, ...options, ...more });
    opened.push(carrier);
    return { carrier, answers };
  };

  test.each(["127.0.0.1", "::1"])(
    "an answer is a packet from whom was asked to whoever asked, at %s",
    async (address) => {
      const port = await echoAt(address);
      const { carrier, answers } = carrierWith();
      const client = { 4: "10.0.85.1", 6: "2001:db8::1" }[address.includes(":") ? 6 : 4];
      const packet = (sourcePort: number, text: string): Uint8Array => {
        return udpPacket({
          source: client,
          destination: address,
          sourcePort,
          destinationPort: port,
          payload: octets(text),
        });
      };
      carrier.carry(recordsOf([packet(4001, "one"), packet(4001, ""), packet(4002, "two")]));
      await until(() => answers.length === 3);
      const inOrder = answers.toSorted((a, b) => a.destinationPort - b.destinationPort);
      const found = inOrder.map((each) => [each.source, each.sourcePort, each.destination, each.destinationPort]);
      const server = formatAddress(parseAddress(address));
      expect(found).toEqual([4001, 4001, 4002].map((asked) => [server, port, client, asked]));
      expect(answers.map(textOf).toSorted()).toEqual(["", "ONE", "TWO"]);
      await until(() => carrier.stats.received === 3);
      expect(carrier.stats).toMatchObject({ sessions: 2, sent: 3, dropped: 0, refused: 0 });
    },
  );

  test("what the system itself refuses is told as a router would", async () => {
    const { carrier, answers } = carrierWith({ bindTo: "none-such" });
    const ends = { source: "10.0.85.1", destination: "203.0.113.9" };
    carrier.carry(recordsOf([udpPacket({ ...ends, sourcePort: 4001, destinationPort: 53, payload: octets("a") })]));
    await until(() => carrier.stats.refused > 0);
    expect(answers.every(({ protocol, destination }) => protocol === 1 && destination === ends.source)).toBe(true);
  });

  test("another interface is bound to from then on, and the old sockets are closed", async () => {
    const port = await echoAt("127.0.0.1");
    const { carrier, answers } = carrierWith();
    const ask = (): void => {
      const ends = { source: "10.0.85.1", destination: "127.0.0.1", sourcePort: 4001, destinationPort: port };
      carrier.carry(recordsOf([udpPacket({ ...ends, payload: octets("a") })]));
    };
    ask();
    await until(() => answers.length === 1);
    carrier.bind("none-such");
    ask();
    await until(() => carrier.stats.refused > 0);
    carrier.bind("lo");
    ask();
    await until(() => answers.length === 2);
    expect(carrier.stats).toMatchObject({ sessions: 1 });
  });

  test("what comes from a socket of its own has gone round, and goes nowhere", async () => {
    const heard: number[] = [];
    const server = createSocket("udp4");
    opened.push(server);
    server.on("message", (_message, from) => heard.push(from.port));
    await new Promise<void>((resolve) => server.bind(0, "127.0.0.1", resolve));
    const { carrier } = carrierWith();
    const ends = { source: "10.0.85.1", destination: "127.0.0.1", destinationPort: server.address().port };
    const from = (sourcePort: number): Uint8Array => udpPacket({ ...ends, sourcePort, payload: octets("a") });
    carrier.carry(recordsOf([from(4001)]));
    await until(() => heard.length === 1);
    carrier.carry(recordsOf([from(heard[0] ?? 0), from(4001)]));
    await until(() => heard.length === 2);
    await until(() => carrier.stats.dropped === 1);
    expect(carrier.stats).toMatchObject({ sessions: 1, sent: 2 });
  });

  test("an echo request goes by a ping socket where there are some, else its sender is told", async () => {
    const { carrier, answers } = carrierWith();
    const ends = { source: "10.0.85.1", destination: "127.0.0.1" };
    carrier.carry(recordsOf([icmpEcho({ ...ends, identifier: 77, payload: octets("ping") })]));
    await until(() => answers.length === 1);
    const [answer] = answers;
    expect([answer?.protocol, answer?.source, answer?.destination]).toEqual([1, "127.0.0.1", "10.0.85.1"]);
    await until(() => carrier.stats.echoesReceived + carrier.stats.errorsTold === 1);
  });

  test("close() lets go of everything", async () => {
    const { carrier } = carrierWith();
    carrier.close();
    carrier.carry(new Uint8Array(8));
    expect(await carrier.closed).toBeUndefined();
  });
});

/** The port of somebody who gives back what he hears in capital letters. */
async function echoAt(address: string): Promise<number> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  opened.push(socket);
  socket.on("message", (message, from) => socket.send(message.toString().toUpperCase(), from.port, from.address));
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  return socket.address().port;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await Bun.sleep(2);
}
