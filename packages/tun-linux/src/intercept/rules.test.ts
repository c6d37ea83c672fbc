// needs root: network namespaces
// Rules mode in network namespaces, with a real device and real traffic.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { RoutedLab, SERVER4, SERVER6 } from "../../test/intercept/routed-lab.ts";
import type { LinuxInterception } from "./interception.ts";
import { OUR_MARK } from "./marks.ts";
import { interceptRules } from "./rules.ts";

/** Version, place of the source address, the address of c0. */
const FROM4 = [4, 12, "c0000201"] as const;
const FROM6 = [6, 8, "20010db8000100000000000000000001"] as const;
const NOTHING = { rules: [], routes: [], tables: [] };

let lab: RoutedLab;
beforeEach(async () => {
  lab = await RoutedLab.open();
});
afterEach(() => lab[Symbol.dispose]());

function intercept(excludes: readonly string[] = []): LinuxInterception {
  return lab.client.run(() => interceptRules(lab.options({}, { excludes }), { statePath: lab.statePath }));
}

function setFilter(name: string, value: number): void {
  lab.near("sysctl", "-qw", `net.ipv4.conf.${name}.rp_filter=${value}`);
}

function filterOf(name: string): number {
  return Number(lab.near("sysctl", "-n", `net.ipv4.conf.${name}.rp_filter`));
}

describe("interceptRules() selects", () => {
  test.each(["tcp", "udp"] as const)("everything that leaves by %s, and its answers arrive", (kind) => {
    using _ = intercept();
    for (const to of [SERVER4, SERVER6]) {
      const { answer, cameUp } = lab.say("hello", { kind, to, forwardMark: OUR_MARK });
      expect(answer).toBe("heard 5");
      // A connection is at least SYN, ACK and data; a datagram is one packet.
      if (kind === "udp") expect(cameUp).toHaveLength(1);
      else expect(cameUp.length).toBeGreaterThanOrEqual(3);
      // Without us it would leave from the uplink's address, although IPv6 has a nearer one on another interface.
      const [version, at, source] = to === SERVER4 ? FROM4 : FROM6;
      const packet = cameUp.find(([first = 0]) => first >> 4 === version);
      expect(packet?.subarray(at).toHex()).toStartWith(source);
    }
  });

  test.each([
    ["with our own mark", SERVER4, OUR_MARK],
    ["with our own mark, IPv6", SERVER6, OUR_MARK],
    ["on the link", "192.0.2.254", 0],
    ["with a route of its own", "198.18.0.9", 0],
    ["private", "10.1.2.3", 0],
    ["unique local", "fd00::9", 0],
    ["excluded", "203.0.113.200", 0],
  ])("nothing that is %s", (_name, to, mark) => {
    using _ = intercept(["203.0.113.129/25"]);
    expect(lab.say("hello", { to, mark })).toEqual({ answer: "heard 5", cameUp: [] });
  });
});

describe("interceptRules() leaves", () => {
  test("its rules and routes, as iproute2 sees them, and nothing after close()", () => {
    const interception = intercept();
    const { rules, routes, tables } = lab.traces();
    expect(rules.filter((line) => !line.includes(" to "))).toEqual([
      "8998: from all fwmark 0x4000/0x4000 lookup main proto 178",
      "8999: from all lookup main suppress_prefixlength 0 proto 178",
      "9000: from all iif lo lookup 4000 proto 178",
      "8998: from all fwmark 0x4000/0x4000 lookup main proto 178",
      "9000: from all iif lo lookup 4000 proto 178",
      "9001: from all lookup main suppress_prefixlength 0 proto 178",
      "9002: from all iif lo lookup 4002 proto 178",
    ]);
    expect(rules.filter((line) => line.includes(" to "))).toHaveLength(8);
    expect(routes).toEqual([
      "default dev tun0 table 4000 proto 178 scope link src 192.0.2.1",
      "throw 2001:db8:1::/64 dev lo table 4000 proto 178 metric 1024 pref medium",
      "throw 2001:db8:3::/64 dev lo table 4000 proto 178 metric 1024 pref medium",
      "default dev tun0 table 4000 proto 178 src 2001:db8:1::1 metric 1024 pref medium",
      "default dev tun0 table 4002 proto 178 src 2001:db8:1::1 metric 1024 pref medium",
    ]);
    expect(tables).toEqual([]);
    expect([interception.method, interception.uplinks, interception.ownerFlag]).toEqual(["rules", ["c0"], false]);
    interception.close();
    interception.close();
    expect(lab.traces()).toEqual(NOTHING);
    expect(lab.say("hello")).toEqual({ answer: "heard 5", cameUp: [] });
  });

  test.each([
    ["strict on the uplink", 0, 1, 2],
    ["strict for all", 1, 0, 2],
    ["loose already", 1, 2, 2],
    ["off", 0, 0, 0],
  ])("rp_filter as it was when it is %s", (_name, all, own, meanwhile) => {
    setFilter("all", all);
    setFilter("c0", own);
    const interception = intercept();
    expect([filterOf("all"), filterOf("c0")]).toEqual([all, meanwhile]);
    expect(lab.say("hello", { kind: "udp", forwardMark: OUR_MARK }).answer).toBe("heard 5");
    interception.close();
    expect([filterOf("all"), filterOf("c0")]).toEqual([all, own]);
    expect(lab.near("ls", `${lab.directory}/run`).trim()).toBe("state.json.lock");
  });

  test("an rp_filter alone that somebody else has set since", () => {
    setFilter("c0", 1);
    const interception = intercept();
    setFilter("c0", 0);
    interception.close();
    expect(filterOf("c0")).toBe(0);
  });

  test("everything as it was when it fails half-way", () => {
    setFilter("c0", 1);
    // A route into a device that is down is refused; by then the filter is loosened and the state written.
    lab.near("ip", "link", "set", "tun0", "down");
    expect(() => intercept()).toThrow("ENETDOWN");
    expect(filterOf("c0")).toBe(1);
    expect(lab.traces()).toEqual(NOTHING);
    expect(lab.near("ls", `${lab.directory}/run`).trim()).toBe("state.json.lock");
    lab.near("ip", "link", "set", "tun0", "up");
    intercept().close();
  });
});

describe("refresh() of interceptRules()", () => {
  test("loosens the filter of a new uplink, takes its address, and puts back what was removed", () => {
    setFilter("c1", 1);
    using interception = intercept();
    expect(interception.refresh()).toBe(false);
    expect(filterOf("c1")).toBe(1);
    const before = lab.traces();
    lab.near("ip", "rule", "del", "pref", "8998");
    expect(interception.refresh()).toBe(true);
    expect(lab.traces()).toEqual(before);
    lab.near("ip", "route", "replace", "default", "via", "198.51.100.254", "dev", "c1");
    expect(interception.refresh()).toBe(true);
    expect(interception.uplinks).toEqual(["c1", "c0"]);
    expect(filterOf("c1")).toBe(2);
    expect(lab.traces().routes[0]).toBe("default dev tun0 table 4000 proto 178 scope link src 198.51.100.1");
    expect(interception.refresh()).toBe(false);
    interception.close();
    expect(filterOf("c1")).toBe(1);
    expect(() => interception.refresh()).toThrow("refresh after close");
  });
});
