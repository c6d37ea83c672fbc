import { describe, expect, test } from "bun:test";
import { EARLY_SEGMENTS_MAX, LinuxQueue } from "./linux-queue.ts";
import observed from "./linux-queue.observed.json";

/** Runs a line "1..4 0..1 = baaa": segments filled with a, b… in order of sending, and what was delivered. */
function replay(line: string): { readonly kernel: string; readonly model: string } {
  const [segments, kernel] = line.split(" = ");
  const queue = new LinuxQueue();
  const model = (segments ?? "").split(" ").map((segment, index) => {
    const [from, to] = segment.split("..").map(Number);
    return text(queue.take(from ?? 0, new Uint8Array((to ?? 0) - (from ?? 0)).fill(97 + index)));
  });
  return { kernel: kernel ?? "", model: model.join("") };
}

function text(read: Uint8Array): string {
  return new TextDecoder().decode(read);
}

function octets(letters: string): Uint8Array {
  return new TextEncoder().encode(letters);
}

describe("LinuxQueue.take()", () => {
  test("delivers segments in order at once", () => {
    const queue = new LinuxQueue();
    expect(text(queue.take(0, octets("abc")))).toBe("abc");
    expect(text(queue.take(3, octets("def")))).toBe("def");
    expect(queue.next).toBe(6);
  });

  test("keeps an early segment until the hole is filled", () => {
    const queue = new LinuxQueue();
    expect(text(queue.take(3, octets("def")))).toBe("");
    expect(text(queue.take(0, octets("abc")))).toBe("abcdef");
  });

  test("never delivers an octet twice", () => {
    const queue = new LinuxQueue();
    queue.take(0, octets("abc"));
    expect(text(queue.take(0, octets("xyz")))).toBe("");
    expect(text(queue.take(-2, octets("xxxyzdef")))).toBe("def");
  });

  test("prefers octets in order over octets that wait", () => {
    const queue = new LinuxQueue();
    queue.take(2, octets("XXd"));
    expect(text(queue.take(0, octets("abc")))).toBe("abcXd");
  });

  test("discards early segments above its limit", () => {
    const queue = new LinuxQueue();
    for (let at = 0; at <= EARLY_SEGMENTS_MAX; at += 1) queue.take(1 + 2 * at, octets("x"));
    for (let at = 0; at < EARLY_SEGMENTS_MAX; at += 1) queue.take(2 * at, octets("y"));
    queue.take(2 * EARLY_SEGMENTS_MAX, octets("y"));
    expect(queue.next).toBe(2 * EARLY_SEGMENTS_MAX + 1);
  });

  test.each(observed.agreed)("reads what the kernel read: %s", (line) => {
    const { kernel, model } = replay(line);
    expect(model).toBe(kernel);
  });

  test.each(observed.departed)("reads as many octets as the kernel, some of another copy: %s", (line) => {
    const { kernel, model } = replay(line);
    expect(model).toHaveLength(kernel.length);
    expect(model).not.toBe(kernel);
  });
});
