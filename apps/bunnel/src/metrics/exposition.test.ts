import { describe, expect, test } from "bun:test";
import { dnsMetrics } from "./dns-metrics.ts";
import { exposition } from "./exposition.ts";
import { readListenAddress } from "./listen.ts";
import { numbersIn } from "./numbers-in.ts";

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

test("dnsMetrics() tells of each upstream once, whoever asks it", () => {
  const upstream = { name: "a.example.org", asked: 4, answered: 3, failed: 1, outrun: 0, isWell: true };
  const none = { asked: 0, fromCache: 0, joined: 0, passedOn: 0, failed: 0, fellBack: 0, refused: 0, malformed: 0 };
  const dns = { ...none, asked: 9, cached: 2, upstreams: [upstream, { ...upstream, isWell: false }] };
  const lines = exposition(dnsMetrics({ queriesTaken: 9, queriesAnswered: 8, queriesDropped: 0, dns })).split("\n");
  expect(lines).toContain('bunnel_dns_queries_total{outcome="answered"} 8');
  expect(lines).toContain('bunnel_dns_results_total{result="asked"} 9');
  expect(lines).toContain('bunnel_dns_upstream_queries_total{upstream="a.example.org",outcome="answered"} 6');
  expect(lines).toContain('bunnel_dns_upstream_up{upstream="a.example.org"} 0');
  expect(lines.filter((line) => line.includes("upstream_up{"))).toHaveLength(1);
});
