import { describe, expect, test } from "bun:test";
import { OctetWindow, STREAM_KEPT_BYTES } from "./octet-window.ts";

function written(keep: "first" | "last", ...segments: readonly (readonly [number, string])[]): string {
  const window = new OctetWindow(keep);
  for (const [position, letters] of segments) window.write(position, new TextEncoder().encode(letters));
  return new TextDecoder().decode(window.readable);
}

describe("OctetWindow", () => {
  test("readable ends at the first hole", () => {
    expect(written("first", [0, "ab"], [3, "d"])).toBe("ab");
    expect(written("first", [3, "d"], [0, "abc"])).toBe("abcd");
  });

  test("keeps the first copy of an octet, or the last one", () => {
    expect(written("first", [1, "XX"], [0, "abcd"])).toBe("aXXd");
    expect(written("last", [1, "XX"], [0, "abcd"])).toBe("abcd");
    expect(written("last", [0, "abcd"], [1, "XX"])).toBe("aXXd");
  });

  test("cuts off what lies before the stream or behind its limit", () => {
    expect(written("first", [-2, "xxab"])).toBe("ab");
    const window = new OctetWindow("last");
    expect(window.write(STREAM_KEPT_BYTES - 1, new Uint8Array(10))).toBe(true);
    expect(window.write(STREAM_KEPT_BYTES, new Uint8Array(10))).toBe(false);
    expect(window.write(0, new Uint8Array(2 * STREAM_KEPT_BYTES))).toBe(true);
    expect(window.readable).toHaveLength(STREAM_KEPT_BYTES);
  });

  test("write() says whether an octet was written", () => {
    const first = new OctetWindow("first");
    expect(first.write(0, new Uint8Array(3))).toBe(true);
    expect(first.write(0, new Uint8Array(3))).toBe(false);
    expect(first.write(-3, new Uint8Array(3))).toBe(false);
    const last = new OctetWindow("last");
    last.write(0, new Uint8Array(3));
    expect(last.write(0, new Uint8Array(3))).toBe(true);
  });
});
