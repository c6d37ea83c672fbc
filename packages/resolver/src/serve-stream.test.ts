import { describe, expect, test } from "bun:test";
import { framed, MessageReader } from "./framing.ts";
import { serveDnsStream } from "./serve-stream.ts";

const encoder = new TextEncoder();

async function* pieces(octets: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < octets.length; at += size) yield octets.slice(at, at + size);
}

function joined(texts: readonly string[]): Uint8Array {
  return new Uint8Array(Buffer.concat(texts.map((text) => framed(encoder.encode(text)))));
}

describe("serveDnsStream()", () => {
  test.each([1, 3, 1000])("answers each query of a stream that comes in pieces of %i octets", async (size) => {
    const asked = ["one", "two", "three"];
    const reader = new MessageReader();
    const answers: string[] = [];
    await serveDnsStream(
      pieces(joined(asked), size),
      async (query) => query.toReversed(),
      (octets) => void answers.push(...reader.push(octets).map((message) => new TextDecoder().decode(message))),
    );
    expect(answers.toSorted()).toEqual(["eerht", "eno", "owt"]);
  });

  test("a slow answer does not keep the others back", async () => {
    const slow = Promise.withResolvers<void>();
    const answers: number[] = [];
    const serving = serveDnsStream(
      pieces(joined(["slow", "fast"]), 1000),
      async (query) => {
        if (query[0] === "s".charCodeAt(0)) await slow.promise;
        else setTimeout(slow.resolve);
        return query;
      },
      (octets) => void answers.push(octets[2] ?? 0),
    );
    await serving;
    expect(String.fromCharCode(...answers)).toBe("fs");
  });

  test("says nothing to what gets no answer", async () => {
    const written: Uint8Array[] = [];
    await serveDnsStream(
      pieces(joined(["a"]), 9),
      () => Promise.resolve(undefined),
      (octets) => void written.push(octets),
    );
    expect(written).toEqual([]);
  });

  test("has at most 32 queries under way, and goes on when one is done", async () => {
    let underWay = 0;
    let most = 0;
    const answers: Uint8Array[] = [];
    await serveDnsStream(
      pieces(joined(Array.from({ length: 100 }, String)), 4096),
      async (query) => {
        most = Math.max(most, ++underWay);
        await new Promise((resolve) => setTimeout(resolve));
        underWay--;
        return query;
      },
      (octets) => void answers.push(octets),
    );
    expect(most).toBe(32);
    expect(answers.length).toBe(100);
  });

  test("fails when an answer cannot be written", () => {
    const serving = serveDnsStream(
      pieces(joined(["a"]), 9),
      async (query) => query,
      () => {
        throw new Error("gone");
      },
    );
    expect(serving).rejects.toThrow("gone");
  });
});
