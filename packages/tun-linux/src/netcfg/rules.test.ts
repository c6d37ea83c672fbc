// needs root: network namespaces
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { failureOf, NetworkPair, type Json } from "../../test/network-pair.ts";
import type { RuleSpec } from "./rules.ts";

let net: NetworkPair;
beforeEach(() => {
  net = new NetworkPair();
});
afterEach(() => net[Symbol.dispose]());

function addressesOf(family: 4 | 6) {
  return family === 4
    ? { from: "192.0.2.0/25", to: "203.0.113.9/32", plain: ["192.0.2.0", "203.0.113.9"] }
    : { from: "2001:db8::/65", to: "2001:db8::9/128", plain: ["2001:db8::", "2001:db8::9"] };
}

/** Our rules as iproute2 tells them. */
function seen(family: 4 | 6): Json[] {
  return net.ip(`-${family} rule`).filter(({ priority }) => Number(priority) >= 9000 && Number(priority) < 9999);
}

describe("RouteNetlink.addRule()", () => {
  test.each([4, 6] as const)("writes every selector as iproute2 reads it, IPv%d", (family) => {
    const { from, to, plain } = addressesOf(family);
    const add = (priority: number, rule: Partial<RuleSpec>) =>
      net.netlink.addRule({ family, priority, table: 4000, ...rule });
    add(9000, { from, to, inInterface: "a0", outInterface: "b0", invert: true, protocol: 98 });
    add(9001, { mark: 0x8000, mask: 0xff00, tos: 0x10, uidRange: [1000, 1999] });
    add(9002, { ipProtocol: 6, sourcePorts: [1000, 1999], destinationPorts: [443, 443] });
    add(9003, { ipProtocol: 17, destinationPorts: [1, 65_534], suppressPrefixLength: 0, suppressInterfaceGroup: 7 });
    add(9004, { table: 70_000, suppressPrefixLength: 24 });
    expect(seen(family)).toMatchObject([
      { priority: 9000, not: null, src: plain[0], dst: plain[1], iif: "a0", oif: "b0", table: "4000" },
      { priority: 9001, fwmark: "0x8000", fwmask: "0xff00", tos: "0x10", uid_start: 1000, uid_end: 1999 },
      { priority: 9002, ipproto: "tcp", sport_start: 1000, sport_end: 1999, dport: 443 },
      { priority: 9003, ipproto: "udp", dport_start: 1, dport_end: 65_534, suppress_prefixlen: 0 },
      { priority: 9004, table: "70000", suppress_prefixlen: 24 },
    ]);
    expect(seen(family)[3]).toMatchObject({ suppress_ifgroup: "7" });
    expect(seen(family)[0]?.["protocol"]).toBe("98");
  });

  test.each([4, 6] as const)("writes every type as iproute2 reads it, IPv%d", (family) => {
    for (const [i, type] of (["nop", "blackhole", "unreachable", "prohibit"] as const).entries()) {
      net.netlink.addRule({ family, priority: 9000 + i, type });
    }
    net.netlink.addRule({ family, priority: 9010, goto: 9020 });
    net.netlink.addRule({ family, priority: 9011, type: "goto", goto: 9030 });
    net.netlink.addRule({ family, priority: 9020, type: "lookup", table: 254 });
    expect(seen(family)).toMatchObject([
      { priority: 9000, nop: null },
      { priority: 9001, action: "blackhole" },
      { priority: 9002, action: "unreachable" },
      { priority: 9003, action: "prohibit" },
      { priority: 9010, goto: 9020 },
      { priority: 9011, goto: 9030 },
      { priority: 9020, table: "main" },
    ]);
    const found = net.netlink.rules(family).filter(({ priority }) => priority >= 9000 && priority < 9999);
    expect(found.map(({ type, action }) => [type, action])).toEqual([
      ["nop", 3],
      ["blackhole", 6],
      ["unreachable", 7],
      ["prohibit", 8],
      ["goto", 2],
      ["goto", 2],
      ["lookup", 1],
    ]);
    expect(found.map(({ unresolved }) => unresolved ?? false)).toEqual([
      false,
      false,
      false,
      false,
      false,
      true,
      false,
    ]);
  });

  test("a rule for port numbers sends packets its way", () => {
    net.netlink.addAddress(net.a0, "192.0.2.1/24");
    net.netlink.addRoute({ family: 4, index: net.a0 });
    net.netlink.addRule({ family: 4, priority: 9000, ipProtocol: 17, destinationPorts: [53, 53], type: "prohibit" });
    const query = { destination: "203.0.113.9", protocol: 17, sourcePort: 5000 };
    expect(net.netlink.lookupRoute({ ...query, destinationPort: 53 }).type).toBe("prohibit");
    expect(net.netlink.lookupRoute({ ...query, destinationPort: 54 }).type).toBe("unicast");
  });

  test.each([
    [{ priority: 1 }, "expected a table or a goto, found neither"],
    [{ priority: 1, table: 1, goto: 2 }, "expected a table or a goto, found both"],
    [{ priority: 1, table: 1, vrf: true }, "expected a table or a goto, found both"],
    [{ priority: 1, type: "blackhole", table: 1 }, "expected no target, found another target"],
    [{ priority: 1, type: "goto", table: 1 }, "expected a table or a goto, found another target"],
    [{ priority: 1, table: 1, from: "2001:db8::/32" }, "expected IPv4 prefixes"],
    [{ priority: -1, table: 1 }, "priority: expected"],
    [{ priority: 1, table: 1, uidRange: [5, 1] }, "last of uidRange: expected a whole number from 5"],
    [{ priority: 1, table: 1, uidRange: [0, 0xffffffff] }, "last of uidRange"],
    [{ priority: 1, table: 1, sourcePorts: [0, 5] }, "first of sourcePorts: expected a whole number from 1 to 65534"],
    [{ priority: 1, table: 1, destinationPorts: [1, 65_535] }, "last of destinationPorts"],
    [{ priority: 1, table: 1, ipProtocol: 256 }, "ipProtocol: expected"],
    [{ priority: 1, table: 1, suppressPrefixLength: 129 }, "suppressPrefixLength: expected"],
    [{ priority: 1, table: 1, inInterface: "a/b" }, "interface name: expected"],
  ] satisfies [Omit<RuleSpec, "family">, string][])("addRule(%j) is refused", (spec, message) => {
    const error = failureOf(() => net.netlink.addRule({ family: 4, ...spec }));
    expect([error.code, error.message]).toEqual(["E_DEVICE_OPTION", expect.stringContaining(message)]);
  });

  test("what the kernel refuses comes with its words", () => {
    const error = failureOf(() => net.netlink.addRule({ family: 4, priority: 9000, goto: 8000 }));
    expect(error).toMatchObject({ errno: 22, explanation: "Backward goto not supported" });
    expect(error.message).toBe("rule 9000: RTM_NEWRULE failed with EINVAL (Backward goto not supported)");
    expect(failureOf(() => net.netlink.addRule({ family: 4, priority: 9000, table: 1, tos: 3 })).errno).toBe(22);
  });
});

describe("RuleInfo", () => {
  const RULES: readonly Omit<RuleSpec, "family" | "priority">[] = [
    { table: 4000, mark: 0x8000, mask: 0xff00, invert: true },
    { table: 70_000, inInterface: "a0", outInterface: "b0", uidRange: [0, 0xfffffffe] },
    { table: 255, ipProtocol: 6, sourcePorts: [1, 2], destinationPorts: [3, 65_534], tos: 0x10 },
    { table: 254, suppressPrefixLength: 0, suppressInterfaceGroup: 0, protocol: 3 },
    { goto: 9500 },
    { type: "unreachable", mark: 1 },
    { type: "nop" },
  ];

  test.each([4, 6] as const)("given back as a RuleSpec, makes the very same rule, and removes it, IPv%d", (family) => {
    const { from, to } = addressesOf(family);
    for (const [i, rule] of RULES.entries()) net.netlink.addRule({ family, priority: 9000 + i, from, to, ...rule });
    const ours = () => net.netlink.rules(family).filter(({ priority }) => priority >= 9000 && priority < 9999);
    const before = { rules: ours(), seen: seen(family) };
    expect(before.rules).toMatchObject(RULES);
    for (const rule of before.rules) net.netlink.removeRule(rule);
    expect(ours()).toEqual([]);
    for (const rule of before.rules) net.netlink.addRule(rule);
    expect({ rules: ours(), seen: seen(family) }).toEqual(before);
  });

  test.each([4, 6] as const)("replaceRule() takes the place of all of its priority, IPv%d", (family) => {
    const rule = { family, priority: 9000, table: 4000 };
    const at = () => seen(family).map(({ priority, fwmark, table }) => [priority, fwmark, table]);
    net.netlink.replaceRule({ ...rule, mark: 1, mask: 1 });
    expect(at()).toEqual([[9000, "0x1", "4000"]]);
    // Stricter, looser, the other way round, and one that is none of its business.
    for (const more of [{ mark: 1, mask: 1, ipProtocol: 6 }, {}, { mark: 2, mask: 2, invert: true }]) {
      net.netlink.addRule({ ...rule, ...more });
    }
    net.netlink.addRule({ ...rule, priority: 9001 });
    net.netlink.replaceRule({ ...rule, mark: 2, mask: 2 });
    expect(at()).toEqual([
      [9000, "0x2", "4000"],
      [9001, undefined, "4000"],
    ]);
    expect(net.netlink.rules(family).find(({ priority }) => priority === 9000)?.invert).toBe(false);
    net.netlink.addRule({ ...rule, mark: 3, mask: 3 });
    net.netlink.replaceRule({ ...rule, mark: 2, mask: 2 });
    net.netlink.replaceRule({ ...rule, mark: 2, mask: 2 });
    expect(at()).toHaveLength(2);
    expect(at()[0]).toEqual([9000, "0x2", "4000"]);
  });

  test("a rule with an attribute that has no word here is told, removed, and not made again without it", () => {
    net.run("ip rule add pref 9000 from 192.0.2.1 realms 5 lookup 4000");
    net.run("ip rule add pref 9001 tun_id 9 lookup 4000");
    const found = net.netlink.rules(4).filter(({ priority }) => priority >= 9000 && priority < 9999);
    expect(found.map(({ unread }) => unread)).toEqual([[11], [12]]);
    for (const rule of found) {
      const error = failureOf(() => net.netlink.addRule(rule));
      expect([error.code, error.message]).toEqual([
        "E_UNSUPPORTED",
        expect.stringMatching(/^rule 900\d: expected only attributes that have a word here, found number 1\d$/),
      ]);
      net.netlink.removeRule(rule);
    }
    expect(seen(4)).toEqual([]);
  });

  test("rules() holds both families unless one is named", () => {
    const families = (rules: readonly { readonly family: 4 | 6 }[]) => new Set(rules.map(({ family }) => family));
    expect(families(net.netlink.rules())).toEqual(new Set([4, 6]));
    expect(families(net.netlink.rules(6))).toEqual(new Set([6]));
    expect(net.netlink.rules(4).map(({ priority, table }) => [priority, table])).toEqual([
      [0, 255],
      [32_766, 254],
      [32_767, 253],
    ]);
  });
});
