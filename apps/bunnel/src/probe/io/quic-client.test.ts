import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createSocket, type Socket } from "node:dgram";
import { Budget } from "../search/budget.ts";
import { QuicClient } from "./quic-client.ts";
import { DirectWay } from "./way.ts";

/** Stands for the process that asks: it begins late, sends one datagram, and tells what an answer says. */
const ASKER = `
const { createSocket } = require("node:dgram");
const url = new URL(process.argv.at(-3));
setTimeout(() => {
  const socket = createSocket("udp4");
  socket.on("message", () => {
    console.log(JSON.stringify({ status: 200, bodyBytes: 5, isWhole: true }));
    process.exit();
  });
  socket.send("hello", Number(url.port), "127.0.0.1");
}, LATE_MS);
`;
const PATIENCE_MS = 800;

let server: Socket;
let answerMs: number | undefined;
beforeEach(async () => {
  answerMs = 0;
  server = createSocket("udp4");
  server.on("message", (octets, { port, address }) => {
    if (answerMs !== undefined) setTimeout(() => server.send(octets, port, address), answerMs);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.bind(0, "127.0.0.1", resolve);
  await promise;
});
afterEach(() => server.close());

function client(lateMs: number, budget = new Budget({ seconds: 60, connections: 9, octets: 9999 })): QuicClient {
  return new QuicClient({
    ...{ way: new DirectWay(), traffic: budget, patienceMs: PATIENCE_MS, port: server.address().port },
    start: () => [process.execPath, "-e", ASKER.replace("LATE_MS", String(lateMs)), "--"],
  });
}

const ORDER = { address: "127.0.0.1", name: "video.example.org", path: "/" };

describe("QuicClient.ask()", () => {
  test("gives a process that begins late the same time as any other", async () => {
    using asking = client(2 * PATIENCE_MS);
    expect(await asking.ask(ORDER)).toMatchObject({ end: "done", status: 200, answered: 1 });
  });

  test("waits for slow answers as long as this machine has been slow before", async () => {
    using asking = client(PATIENCE_MS);
    expect((await asking.ask(ORDER)).end).toBe("done");
    // Longer than the patience, and less than four times what the first one took.
    answerMs = 2 * PATIENCE_MS;
    expect((await asking.ask(ORDER)).end).toBe("done");
  });

  test("tells silence from a process that never began", async () => {
    answerMs = undefined;
    using asking = client(0);
    expect(await asking.ask(ORDER)).toMatchObject({ stage: "hello", end: "silent", answered: 0 });
    using broken = new QuicClient({ ...asking.options, start: () => ["false"] });
    expect(await broken.ask(ORDER)).toMatchObject({ stage: "connect", answered: 0 });
  });

  test("ends with the probe, whatever is awaited", async () => {
    answerMs = undefined;
    const budget = new Budget({ seconds: 60, connections: 9, octets: 9999 });
    using asking = client(600_000, budget);
    const asked = asking.ask(ORDER);
    budget.stop();
    expect(await asked).toMatchObject({ stage: "connect", answered: 0 });
  });
});
