import { describe, expect, test } from "bun:test";
import { HttpAnswer, requestText } from "./http-answer.ts";

function read(text: string, cut = text.length): HttpAnswer {
  const octets = Buffer.from(text, "latin1");
  const answer = new HttpAnswer();
  for (let at = 0; at < octets.length; at += cut) answer.take(octets.subarray(at, at + cut));
  return answer;
}

const LENGTH = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";

describe("HttpAnswer", () => {
  test.each([1, 2, 7, 1000])("reads status, body and its end, %i octets at a time", (cut) => {
    expect(read(LENGTH, cut)).toMatchObject({ status: 200, bodyBytes: 5, isWhole: true });
    expect(read(CHUNKED, cut)).toMatchObject({ status: 200, isWhole: true });
  });

  test("knows that a body is not whole", () => {
    expect(read(LENGTH.slice(0, -1)).isWhole).toBe(false);
    expect(read(CHUNKED.slice(0, -1)).isWhole).toBe(false);
  });

  test("takes a body without a length as whole where the connection ends in order, and no other", () => {
    const open = read("HTTP/1.0 200 OK\r\n\r\nabc");
    open.finish();
    expect(open.isWhole).toBe(true);
    const short = read(LENGTH.slice(0, -1));
    short.finish();
    expect(short.isWhole).toBe(false);
  });

  test("tells where a redirect leads, and that 304 has no body", () => {
    expect(read("HTTP/1.1 302 Found\r\nlocation:  /there \r\nContent-Length: 0\r\n\r\n").location).toBe("/there");
    expect(read("HTTP/1.1 304 Not Modified\r\n\r\n").isWhole).toBe(true);
  });

  test.each(["SSH-2.0-example\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTX"])("says that %p is none", (text) => {
    expect(read(text).isBroken).toBe(true);
  });

  test("bounds the head", () => {
    expect(read(`HTTP/1.1 200 OK\r\nX: ${"a".repeat(40_000)}`).isBroken).toBe(true);
  });
});

test("requestText() names the host and asks for the connection to end", () => {
  const text = requestText("example.org", "/a?b=1");
  expect(text.startsWith("GET /a?b=1 HTTP/1.1\r\nHost: example.org\r\n")).toBe(true);
  expect(text.endsWith("Connection: close\r\n\r\n")).toBe(true);
});
