import { describe, expect, test } from "bun:test";
import { exposition } from "./exposition.ts";
import { readListenAddress } from "./listen.ts";
import { numbersIn } from "./service-metrics.ts";

describe("exposition()", () => {
  test("writes help, type and samples, escapes what has to be, and leaves out what has no sample", () => {
    const text = exposition([
      { name: "a_total", type: "counter", help: "one\nof \\", samples: [{ value: 1, labels: { rule: 'a "b"\\\n' } }] },
      { name: "empty", type: "gauge", help: "nothing", samples: [] },
      { name: "b", type: "gauge", help: "plain", samples: [{ value: 1.5 }] },
    ]);
    expect(text).toBe(
      '# HELP a_total one\\nof \\\\\n# TYPE a_total counter\na_total{rule="a \\"b\\"\\\\\\n"} 1\n' +
        "# HELP b plain\n# TYPE b gauge\nb 1.5\n",
    );
  });
});

test("numbersIn() finds the numbers of a record and of those in it", () => {
  const servers = [{ name: "a.example.org", asked: 7, isWell: true }, { asked: 9 }];
  expect(numbersIn({ queries: 2, name: "x", cache: { hits: 1, of: { all: 3 } }, list: [4], servers })).toEqual({
    queries: 2,
    "cache.hits": 1,
    "cache.of.all": 3,
    "servers.a.example.org.asked": 7,
  });
  expect(numbersIn(undefined)).toEqual({});
});

describe("readListenAddress()", () => {
  test.each([
    ["9477", "127.0.0.1", 9477],
    ["127.0.0.1:0", "127.0.0.1", 0],
    ["[::1]:9477", "::1", 9477],
    ["localhost:65535", "localhost", 65535],
  ])("%s", (text, hostname, port) => {
    expect(readListenAddress(text)).toEqual({ hostname, port });
  });

  test.each(["", "x", "127.0.0.1", ":9", "::1:9477", "127.0.0.1:65536", "a b:1"])("refuses %p", (text) => {
    expect(readListenAddress(text)).toBeUndefined();
  });
});
