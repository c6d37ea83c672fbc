import { expect, test } from "bun:test";
import { answerQuery } from "./dns-answer.ts";

const ADDRESSES = { v4: "203.0.113.10", v6: "2001:db8:3::10" };
const NAME = [3, ...Buffer.from("www"), 7, ...Buffer.from("example"), 3, ...Buffer.from("org"), 0];

function query(type: number, ...behind: number[]): Uint8Array {
  return Uint8Array.from([0x12, 0x34, 1, 0x20, 0, 1, 0, 0, 0, 0, 0, 1, ...NAME, 0, type, 0, 1, ...behind]);
}

test("answerQuery() answers A with the IPv4 address and keeps number and question", () => {
  const expected = [0x12, 0x34, 0x85, 0, 0, 1, 0, 1, 0, 0, 0, 0, ...NAME, 0, 1, 0, 1];
  const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 10];
  expect([...(answerQuery(query(1), ADDRESSES) ?? [])]).toEqual([...expected, ...answer]);
});

test("answerQuery() answers AAAA with the IPv6 address", () => {
  const answer = answerQuery(query(28), ADDRESSES) ?? new Uint8Array(0);
  const address = [0x20, 0x01, 0x0d, 0xb8, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];
  expect([...answer.slice(-16)]).toEqual(address);
});

test("answerQuery() leaves out what stands behind the question, as EDNS options do", () => {
  const plain = answerQuery(query(1), ADDRESSES);
  expect(answerQuery(query(1, 0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0), ADDRESSES)).toEqual(plain);
});

test("answerQuery() gives an empty answer for other types", () => {
  const answer = answerQuery(query(16), ADDRESSES) ?? new Uint8Array(0);
  expect(answer.length).toBe(12 + NAME.length + 4);
  expect(answer[7]).toBe(0);
});

test("answerQuery() refuses a question that is cut short", () => {
  const whole = query(1);
  for (let bytes = 0; bytes < whole.length; bytes++) {
    expect(answerQuery(whole.subarray(0, bytes), ADDRESSES)).toBeUndefined();
  }
});
