import { describe, expect, test } from "bun:test";
import { address, answer, query, soa } from "../test/messages.ts";
import { keep, type KeptAnswer } from "./answer.ts";
import { AnswerCache } from "./cache.ts";
import { lifetimeOf } from "./lifetime.ts";
import { readMessage, type MessageView } from "./message.ts";

const asked = query("www.example.org");
const BOUNDS = { minSeconds: 30, maxSeconds: 3600, negativeMaxSeconds: 300 };
const OPEN = { minSeconds: 0, maxSeconds: 0x7fffffff, negativeMaxSeconds: 0x7fffffff };

function message(...parts: Parameters<typeof answer>): MessageView {
  const found = readMessage(answer(...parts));
  if (found === undefined) throw new Error("expected a message");
  return found;
}

function kept(bytes = 0): KeptAnswer {
  const small = keep(message(asked, { answers: [address("www.example.org", "192.0.2.1")] }));
  return { ...small, octets: new Uint8Array(Math.max(bytes, small.octets.length)) };
}

describe("lifetimeOf()", () => {
  const one = (ttl: number) => address("www.example.org", "192.0.2.1", ttl);

  test("is that of the record that lives shortest, within the bounds", () => {
    expect(lifetimeOf(message(asked, { answers: [one(900), one(200)] }), BOUNDS)).toBe(200);
    expect(lifetimeOf(message(asked, { answers: [one(1)] }), BOUNDS)).toBe(30);
    expect(lifetimeOf(message(asked, { answers: [one(99_999)] }), BOUNDS)).toBe(3600);
    expect(lifetimeOf(message(asked, { answers: [one(0)] }), OPEN)).toBe(0);
  });

  test("a number with the highest bit set means none (RFC 2181)", () => {
    const view = message(asked, { answers: [one(5)] });
    view.view.setUint32(view.records[0]?.ttlAt ?? 0, 0x80000001);
    expect(lifetimeOf(view, OPEN)).toBe(0);
  });

  test("of no answer is what the SOA says, whichever of its two is less, and nothing without one", () => {
    const none = (ttl: number, minimum: number) => message(asked, { authorities: [soa("example.org", ttl, minimum)] });
    expect(lifetimeOf(none(900, 60), OPEN)).toBe(60);
    expect(lifetimeOf(none(40, 600), OPEN)).toBe(40);
    expect(lifetimeOf(none(9000, 9000), BOUNDS)).toBe(300);
    expect(lifetimeOf(message(asked, {}), BOUNDS)).toBe(0);
    expect(lifetimeOf(message(asked, { rcode: 3 }), BOUNDS)).toBe(0);
  });

  test("a failure is not kept", () => {
    expect(lifetimeOf(message(asked, { rcode: 2, authorities: [soa("example.org", 60, 60)] }), BOUNDS)).toBe(0);
  });
});

describe("AnswerCache", () => {
  test("gives an answer until its lifetime is over, with its age", () => {
    const cache = new AnswerCache(10);
    cache.add("a", kept(), 10, 1000);
    expect(cache.find("a", 5999)?.ageSeconds).toBe(4);
    expect(cache.find("a", 11_000)).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  test("lets the one go that was not used for longest", () => {
    const cache = new AnswerCache(2);
    cache.add("a", kept(), 10, 0);
    cache.add("b", kept(), 10, 0);
    cache.find("a", 1);
    cache.add("c", kept(), 10, 2);
    expect(["a", "b", "c"].map((key) => cache.find(key, 3) !== undefined)).toEqual([true, false, true]);
  });

  test("holds no more than 16 MiB, however many answers it may have", () => {
    const cache = new AnswerCache(1_000_000);
    for (let i = 0; i < 400; i++) cache.add(String(i), kept(65_000), 10, 0);
    expect(cache.size).toBe(Math.floor((16 * 1024 * 1024) / 65_000));
  });

  test("keeps nothing without room, and nothing without a lifetime", () => {
    const cache = new AnswerCache(0);
    cache.add("a", kept(), 10, 0);
    const other = new AnswerCache(5);
    other.add("a", kept(), 0, 0);
    expect([cache.size, other.size]).toEqual([0, 0]);
  });
});
