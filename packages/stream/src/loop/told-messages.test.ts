import { describe, expect, test } from "bun:test";
import type { RelayMessage } from "../relay-options.ts";
import { PLACES, ToldMessages } from "./told-messages.ts";

function message(port: number, host = "video.example.org"): Omit<RelayMessage, "number"> {
  const local = { address: "2001:db8::7", port };
  return { local, remote: { address: "2001:db8::9", port: 443 }, host, kind: "tls" };
}

describe("ToldMessages", () => {
  test("gives what was written, once, in its order, also from another end of the memory", () => {
    const written = new ToldMessages();
    const read = new ToldMessages(written.memory);
    expect(read.take()).toEqual([]);
    for (let round = 0; round < 3; round++) {
      const first = round * (PLACES - 1);
      const messages = Array.from({ length: PLACES - 1 }, (_, i) => ({ number: first + i, ...message(first + i) }));
      for (const { number } of messages) expect(written.write(message(number))).toBe(true);
      expect(read.take()).toEqual(messages);
    }
  });

  test("says of what finds no room that it was not told, and goes on when there is some", () => {
    const told = new ToldMessages();
    for (let i = 0; i < PLACES; i++) told.write(message(i));
    expect([told.hasRoom, told.write(message(0))]).toEqual([false, false]);
    expect(told.take()).toHaveLength(PLACES);
    expect(told.write(message(0, "x".repeat(600)))).toBe(false);
    expect(told.write(message(0, "x".repeat(253)))).toBe(true);
  });
});
