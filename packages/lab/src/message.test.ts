import { describe, expect, test } from "bun:test";
import { httpRequest, splitRecords } from "@bunnel/wire";
import { firstMessage, nameIn } from "./message.ts";
import { BLOCKED, HTTP, TLS } from "./sample-traffic.ts";

describe("firstMessage()", () => {
  test("reads a whole ClientHello and a whole request", () => {
    expect(firstMessage(TLS.bad)).toEqual({ kind: "tls", host: BLOCKED, complete: true });
    expect(firstMessage(HTTP.bad)).toEqual({ kind: "http", host: BLOCKED, complete: true });
  });

  test.each([TLS, HTTP])("says that a message cut short is not complete: $name", ({ bad, middle }) => {
    expect(firstMessage(bad.subarray(0, -1))?.complete).toBe(false);
    expect(firstMessage(bad.subarray(0, middle))).toMatchObject({ host: undefined, complete: false });
  });

  test("joins a hello that is spread over records", () => {
    const spread = splitRecords(TLS.bad, [9, TLS.middle, TLS.bad.length - 1]);
    expect(firstMessage(spread)).toEqual({ kind: "tls", host: BLOCKED, complete: true });
    expect(firstMessage(spread.subarray(0, -1))?.complete).toBe(false);
    expect(firstMessage(spread.subarray(0, TLS.middle + 10))).toMatchObject({ host: undefined, complete: false });
  });

  test("finds no message in other octets", () => {
    expect(firstMessage(new Uint8Array(0))).toBeUndefined();
    expect(firstMessage(new Uint8Array(300))).toBeUndefined();
    expect(firstMessage(Uint8Array.of(22, 3, 1, 0, 5, 2, 0, 0, 1, 0))).toBeUndefined();
  });

  test("reads a request without Host", () => {
    expect(firstMessage(httpRequest())).toEqual({ kind: "http", host: undefined, complete: true });
  });
});

describe("nameIn()", () => {
  test.each([TLS, HTTP])("finds the name only when these octets hold all of it: $name", ({ bad, middle }) => {
    expect(nameIn(bad)).toBe(BLOCKED);
    expect(nameIn(bad.subarray(0, middle + 18))).toBe(BLOCKED);
    expect(nameIn(bad.subarray(0, middle))).toBeUndefined();
    expect(nameIn(bad.subarray(middle))).toBeUndefined();
  });

  test("reads the first record only", () => {
    expect(nameIn(splitRecords(TLS.bad, [TLS.middle]))).toBeUndefined();
  });
});
