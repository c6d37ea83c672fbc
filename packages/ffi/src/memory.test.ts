import { read } from "bun:ffi";
import { expect, test } from "bun:test";
import { addressOf, pointer } from "./memory.ts";

test("addressOf() is an address that stays, also when somebody asks for the buffer of a short view", () => {
  for (let count = 1; count < 64; count++) {
    const view = new Int32Array(count).fill(count);
    const at = addressOf(view);
    // Without it, the octets would move here.
    expect(view.buffer.byteLength).toBe(4 * count);
    view[count - 1] = -count;
    expect(addressOf(view)).toBe(at);
    expect(read.i32(pointer(at), 4 * (count - 1))).toBe(-count);
  }
});

test("addressOf() is that of the view's own first octet", () => {
  const buffer = new ArrayBuffer(64);
  const at = addressOf(buffer);
  expect(addressOf(new Uint8Array(buffer, 9))).toBe(at + 9);
  expect(addressOf(new DataView(buffer, 5, 3))).toBe(at + 5);
  const shared = new SharedArrayBuffer(16);
  expect(addressOf(new Int32Array(shared, 8))).toBe(addressOf(shared) + 8);
  // There is none of nothing.
  expect(() => addressOf(new Uint8Array(0))).toThrow("length > 0");
});
