import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../link/random.ts";
import { LinuxQueue } from "./linux-queue.ts";
import { OctetWindow } from "./octet-window.ts";
import { WindowsQueue } from "./windows-queue.ts";

function octets(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function texts(queue: WindowsQueue | LinuxQueue, takes: readonly (readonly [number, string])[]): string {
  return takes.map(([from, text]) => new TextDecoder().decode(queue.take(from, octets(text)))).join("|");
}

describe("WindowsQueue.take()", () => {
  test("keeps what waits where Linux would take the later copy", () => {
    const takes = [
      [2, "CD"],
      [0, "abcd"],
    ] as const;
    expect(texts(new WindowsQueue(), takes)).toBe("|abCD");
    expect(texts(new LinuxQueue(), takes)).toBe("|abcd");
  });

  test("fills holes around what waits, on both sides", () => {
    expect(
      texts(new WindowsQueue(), [
        [3, "D"],
        [1, "bcxe"],
        [0, "a"],
      ]),
    ).toBe("||abcDe");
  });

  test("cuts off what was delivered", () => {
    const queue = new WindowsQueue();
    expect(
      texts(queue, [
        [0, "ab"],
        [-1, "xyzc"],
        [0, "abc"],
      ]),
    ).toBe("ab|c|");
    expect(queue.next).toBe(3);
  });

  test("delivers the first copy of every octet, in any order of segments", () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = new SeededRandom(seed);
      const queue = new WindowsQueue();
      const window = new OctetWindow("first");
      let delivered = "";
      for (let turn = 0; turn < 12; turn += 1) {
        const from = random.next() % 16;
        const text = String.fromCharCode(97 + (turn % 26)).repeat(1 + (random.next() % 5));
        delivered += new TextDecoder().decode(queue.take(from, octets(text)));
        window.write(from, octets(text));
      }
      expect(delivered).toBe(new TextDecoder().decode(window.readable));
    }
  });
});
