import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createSocket, type Socket } from "node:dgram";
import type { SocketAddress } from "../relay-options.ts";
import { DatagramSessions, type DatagramOptions } from "./sessions.ts";

setDefaultTimeout(60_000);

const LOOPBACK = "127.0.0.1";
const CLIENT = { address: "192.0.2.7", port: 40_000 };
const opened: (Disposable | Socket)[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) {
    if (Symbol.dispose in one) one[Symbol.dispose]();
    else one.close();
  }
});

interface Answer {
  readonly client: SocketAddress;
  readonly from: SocketAddress;
  readonly text: string;
}

function sessionsWith(more: Partial<DatagramOptions> = {}) {
  const answers: Answer[] = [];
  const sessions = new DatagramSessions({
    protocol: "udp",
    sessionsMax: 8,
    idleMs: 60_000,
    answer: (client, from, payload) => answers.push({ client, from, text: Buffer.from(payload).toString() }),
    ...more,
  });
  opened.push(sessions);
  return { sessions, answers };
}

/** A server that gives back what it gets, in capitals. */
async function echo(
  address = LOOPBACK,
): Promise<{ readonly at: SocketAddress; readonly socket: Socket; ports: number[] }> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  opened.push(socket);
  const ports: number[] = [];
  socket.on("message", (message, from) => {
    ports.push(from.port);
    socket.send(message.toString().toUpperCase(), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  return { at: { address, port: socket.address().port }, socket, ports };
}

async function pollUntil(sessions: DatagramSessions, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    sessions.poll();
    await Bun.sleep(2);
  }
}

const octets = (text: string) => new TextEncoder().encode(text);

describe("DatagramSessions", () => {
  test("answers come to who asked, from whom was asked, over one socket for each client and family", async () => {
    const [one, two, six] = [await echo(), await echo(), await echo("::1")];
    const { sessions, answers } = sessionsWith();
    for (const to of [one.at, two.at, six.at]) expect(sessions.send(CLIENT, to, octets("hello"))).toBeTrue();
    const other = { ...CLIENT, port: 40_001 };
    sessions.send(other, one.at, octets("other"));
    await pollUntil(sessions, () => answers.length === 4);
    const from = (at: SocketAddress) => answers.filter((answer) => answer.from.port === at.port);
    expect(from(two.at)).toEqual([{ client: CLIENT, from: two.at, text: "HELLO" }]);
    expect(from(six.at)).toEqual([{ client: CLIENT, from: six.at, text: "HELLO" }]);
    expect(from(one.at).toSorted((a, b) => a.client.port - b.client.port)).toEqual([
      { client: CLIENT, from: one.at, text: "HELLO" },
      { client: other, from: one.at, text: "OTHER" },
    ]);
    expect(sessions.stats).toMatchObject({ open: 3, sent: 4, received: 4, strange: 0 });
    expect(new Set(one.ports).size).toBe(2);
    expect(two.ports[0]).toBe(one.ports.find((port) => two.ports.includes(port)));
  });

  test("who was never sent to is not heard", async () => {
    const known = await echo();
    const stranger = await echo();
    const { sessions, answers } = sessionsWith();
    sessions.send(CLIENT, known.at, octets("a"));
    await pollUntil(sessions, () => answers.length === 1);
    stranger.socket.send("boo", known.ports[0] ?? 0, LOOPBACK);
    await pollUntil(sessions, () => sessions.stats.strange === 1);
    expect(answers).toHaveLength(1);
  });

  test("the socket that was silent longest goes when there are too many", async () => {
    const server = await echo();
    const { sessions, answers } = sessionsWith({ sessionsMax: 2 });
    const clients = [1, 2, 3].map((port) => ({ ...CLIENT, port }));
    for (const client of clients.slice(0, 2)) sessions.send(client, server.at, octets("a"));
    await pollUntil(sessions, () => answers.length === 2);
    sessions.send({ ...CLIENT, port: 1 }, server.at, octets("again"));
    sessions.send({ ...CLIENT, port: 3 }, server.at, octets("a"));
    expect(sessions.stats).toMatchObject({ open: 2, evicted: 1 });
    await pollUntil(sessions, () => answers.length === 4);
    expect(
      answers
        .slice(2)
        .map(({ client }) => client.port)
        .toSorted((a, b) => a - b),
    ).toEqual([1, 3]);
  });

  test("a socket that is idle is closed, and forget() closes a client's", async () => {
    const server = await echo();
    const { sessions } = sessionsWith({ idleMs: 20 });
    sessions.send(CLIENT, server.at, octets("a"));
    expect(sessions.stats.open).toBe(1);
    await pollUntil(sessions, () => sessions.stats.open === 0);
    sessions.send(CLIENT, server.at, octets("a"));
    sessions.forget(CLIENT);
    expect(sessions.stats.open).toBe(0);
  });

  test("a port that is closed is no trouble for the next datagram", async () => {
    const gone = await echo();
    const server = await echo();
    gone.socket.close();
    opened.splice(opened.indexOf(gone.socket), 1);
    const { sessions, answers } = sessionsWith();
    sessions.send(CLIENT, gone.at, octets("a"));
    sessions.send(CLIENT, server.at, octets(""));
    sessions.send(CLIENT, server.at, octets("b"));
    await pollUntil(sessions, () => answers.length === 2);
    expect(answers.map(({ text }) => text)).toEqual(["", "B"]);
  });

  test("many answers at once all come", async () => {
    const server = await echo();
    const { sessions, answers } = sessionsWith();
    for (let count = 0; count < 150; count += 1) sessions.send(CLIENT, server.at, octets("a"));
    await pollUntil(sessions, () => answers.length === 150);
  });
});
