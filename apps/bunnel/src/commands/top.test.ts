import { describe, expect, test } from "bun:test";
import { draw, type Glance } from "./top.ts";

const status = {
  pid: 7,
  profile: "built in",
  rules: 1,
  reloads: { done: 0, refused: 0 },
  packetsIn: 3000,
  bytesIn: 1_500_000,
  replaced: 20,
  dropped: 0,
  flows: 2,
  reasons: { PassOrdinary: 2980, ReplacePlanned: 20 },
  device: "bunnel0",
  method: "nft",
  uplinks: ["eth0", "wlan0"],
  uptimeMs: 65_000,
} as unknown as Glance["status"];

const rules = [{ name: "video", enabled: true, priority: 0, strategy: "tls: split(1)", decided: 20, flows: 1 }];
const flows = [
  {
    protocol: "tcp",
    source: "192.0.2.7:40000",
    destination: "203.0.113.9:443",
    state: "established",
    message: "tls",
    rule: "video",
    planned: 1,
    idleMs: 4000,
    packetsOut: 4,
    packetsIn: 0,
    bytesOut: 700,
    bytesIn: 0,
  },
];

describe("draw()", () => {
  test("shows totals, and rates from the second drawing on", () => {
    const first = draw({ status, before: undefined, rules, flows });
    expect(first[0]).toBe("bunnel on bunnel0, nft on eth0, wlan0, up 1m 5s");
    expect(first[1]).toBe("packets 3.0K (-), octets 1.5M (-), replaced 20 (-), dropped 0 (-), flows 2");
    expect(first[2]).toBe("PassOrdinary 3.0K  ReplacePlanned 20");
    const before = { ...status, uptimeMs: 63_000, packetsIn: 1000, bytesIn: 500_000, replaced: 0 };
    expect(draw({ status, before, rules, flows })[1]).toBe(
      "packets 3.0K (1.0K/s), octets 1.5M (500K/s), replaced 20 (10/s), dropped 0 (0/s), flows 2",
    );
  });

  test("lines rules and flows up under their names", () => {
    expect(draw({ status, before: undefined, rules, flows }).slice(4)).toEqual([
      "RULE       DECIDED  FLOWS  STRATEGY",
      "video  on       20      1  tls: split(1)",
      "",
      "FLOW                                   MESSAGE  RULE   PLANNED  IDLE",
      "tcp 192.0.2.7:40000 > 203.0.113.9:443  tls      video        1    4s",
    ]);
  });

  test("says when nothing has come up", () => {
    const quiet = { ...status, reasons: {} };
    expect(draw({ status: quiet, before: undefined, rules: [], flows: [] })[2]).toBe("nothing has come up yet");
  });
});
