import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { diagnose } from "./diagnose.ts";
import { DirectWay, type Way, WayError } from "./io/way.ts";
import { lookAgain, unreachedOf } from "./look-again.ts";
import type { AddressSeen, Exchange, HostSeen } from "./observation.ts";
import { Budget } from "./search/budget.ts";

const AT = "203.0.113.7";
const NONE: Exchange = { stage: "connect", end: "silent", ms: 1000, bodyBytes: 0 };
const ANSWERED: Exchange = { stage: "done", end: "done", ms: 20, bodyBytes: 0 };
const ADDRESS: AddressSeen = { address: AT, family: 4, isTrusted: true, own: [NONE, NONE, NONE], harmless: NONE };
const SEEN: HostSeen = {
  ...{ host: "video.example.org", system: [AT], trusted: [AT], systemHarmless: ["203.0.113.99"] },
  ...{ addresses: [ADDRESS], elsewhere: { harmless: ANSWERED, own: NONE } },
};
const LIMITS = { seconds: 600, connections: 100, octets: 1e6 };

function parts(way: Way, punishedMs: number, budget = new Budget(LIMITS)) {
  const question = {
    ...{ pages: [], harmless: "harmless.example.org", known: new Map(), patienceMs: 50, punishedMs, repeats: 3 },
    ...{ quic: false, families: [4, 6] as const },
  };
  return { way, question, budget };
}

const SHUT: Way = { open: () => Promise.reject(new WayError("ETIMEDOUT", "nobody answered")) };

describe("lookAgain()", () => {
  test("calls an address blocked that is shut for longer than a punishment lasts, and not before", async () => {
    expect(unreachedOf(SEEN)).toEqual([AT]);
    const { isFreed, seen } = await lookAgain(parts(SHUT, 20), SEEN);
    expect(isFreed).toBe(false);
    expect(diagnose(seen).summary).toBe("IP blocked (silent drop)");
    expect(unreachedOf(seen)).toEqual([]);
  });

  test("ends when somebody answers: there was a punishment", async () => {
    const server = createServer((socket) => socket.destroy());
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, "127.0.0.1", resolve);
    await promise;
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const direct = new DirectWay();
    const way: Way = { open: (_, __, options) => direct.open("127.0.0.1", port, options) };
    const { isFreed } = await lookAgain(parts(way, 600_000), SEEN);
    expect(isFreed).toBe(true);
    server.close();
  });

  test("ends at an interrupt, and leaves the question open", async () => {
    const budget = new Budget(LIMITS);
    const looking = lookAgain(parts(SHUT, 600_000, budget), SEEN);
    budget.stop();
    expect((await looking).seen).toEqual(SEEN);
  });
});
