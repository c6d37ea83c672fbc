import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { loadFile } from "../../test/files.ts";
import { problemsOf } from "../../test/profile-problems.ts";
import { parseStrategy } from "../notation/checker.ts";
import { ProfileError } from "../errors.ts";
import { defaultProfile, defaultProfileText } from "./default-profile.ts";
import { parseProfile } from "./parse.ts";

const RULE = '[[rule]]\nname = "video"\n';

describe("parseProfile()", () => {
  test("fills in the defaults of an empty text", () => {
    expect(parseProfile("")).toEqual(defaultProfile());
    expect(parseProfile("\ufeff# only a comment\n[device]\n")).toEqual(defaultProfile());
  });

  test("reads every key", () => {
    const text = `
      version = 1
      interception = { method = "nft", uplinks = ["eth0"], exclude = [
        "203.0.113.0/24", "192.0.2.7", "2001:DB8:0::/32",
      ] }
      [device]
      name = "b%d"
      address = "192.0.2.1"
      netmask = "255.255.255.252"
      mtu = 1400
      [limits]
      max_flows = 7
      max_queue_size = 8
      flow_timeout_seconds = 9
      [payload]
      junk = "hex:00FF 10\\n20"
      old-quic = "file:quic.bin"
      [[rule]]
      name = "video & more"
      enabled = false
      priority = -3
      hosts = ["Example.ORG", "=www.example.org.", "münchen.example.org", "example.org", "all:Co.UK", "=com"]
      hosts_file = "hosts.txt"
      addresses = ["2001:DB8::/32", "192.0.2.7", "192.0.2.7/32"]
      addresses_file = "addresses.txt"
      ports = [443, "8000-8100", "22"]
      families = ["ipv6"]
      direction = "in"
      egress = "packet"
      packets = [1, 4]
      strategy = "preset:vodafone"
      [[rule]]
      name = "rest"
      strategy = """
        tls: split(1)
        http: pass"""
    `;
    const profile = parseProfile(text, { load: loadFile });
    expect(profile.interception).toEqual({
      method: "nft",
      uplinks: ["eth0"],
      exclude: ["203.0.113.0/24", "192.0.2.7/32", "2001:db8::/32"],
      killSwitch: false,
    });
    expect(profile.device).toEqual({
      name: "b%d",
      address: "192.0.2.1",
      netmask: "255.255.255.252",
      mtuBytes: 1400,
      ...{ offload: true, queues: 1, pump: "auto" },
    });
    expect(profile.limits).toEqual({
      ...{ maxFlows: 7, maxQueueSize: 8, flowTimeoutSeconds: 9 },
      ...{ maxMemoryMb: 512, maxJitterMs: 500, logRateLimit: 100 },
    });
    expect(profile.payloads).toEqual({
      junk: { text: "hex:00ff1020", hex: "00ff1020" },
      "old-quic": { text: "file:quic.bin", hex: loadFile("quic.bin").toHex() },
    });
    expect(profile.rules).toHaveLength(2);
    const [video, rest] = profile.rules;
    expect(video).toMatchObject({
      name: "video & more",
      enabled: false,
      priority: -3,
      hosts: ["example.org", "=www.example.org", "xn--mnchen-3ya.example.org", "all:co.uk", "=com"],
      hostsFile: {
        path: "hosts.txt",
        text: "video.example.org\n=www.example.org\n=old.example.org\nall:co.uk",
      },
      addresses: ["2001:db8::/32", "192.0.2.7/32"],
      addressesFile: {
        path: "addresses.txt",
        text: "203.0.113.0/25\n203.0.113.128/25\n2001:db8::/32\n192.0.2.7/32",
      },
      direction: "in",
      egress: "packet",
      packets: { first: 1, last: 4 },
      ports: [
        { first: 443, last: 443 },
        { first: 8000, last: 8100 },
        { first: 22, last: 22 },
      ],
      families: ["ipv6"],
      preset: "vodafone",
    });
    const { strategy, ...others } = rest ?? {};
    expect(others).toEqual({
      name: "rest",
      enabled: true,
      priority: 0,
      hosts: [],
      addresses: [],
      ports: [],
      families: ["ipv4", "ipv6"],
      direction: "both",
      egress: "auto",
      carries: ["tcp"],
    });
    expect(strategy).toEqual(parseStrategy("tls: split(1)  http: pass"));
  });

  test("takes an empty list of rules for no rule, and families in any order for one order", () => {
    expect(parseProfile("rule = []").rules).toEqual([]);
    const [rule] = parseProfile(`${RULE}families = ["ipv6", "ipv4", "ipv6"]\nstrategy = "pass"`).rules;
    expect(rule?.families).toEqual(["ipv4", "ipv6"]);
  });

  test("freezes the profile to the last leaf", () => {
    const profile = parseProfile(`${RULE}ports = [1]\nstrategy = "pass"`);
    expect(Object.isFrozen(profile)).toBeTrue();
    expect(Object.isFrozen(profile.interception.uplinks)).toBeTrue();
    expect(Object.isFrozen(profile.rules[0]?.ports[0])).toBeTrue();
    expect(Object.isFrozen(profile.rules[0]?.strategy.clauses)).toBeTrue();
    expect(Object.isFrozen(defaultProfile().rules[0]?.hosts)).toBeTrue();
  });

  test("names the source in its message, a line for each problem, and gives the first one's place", () => {
    try {
      parseProfile("version = 2\n[device]\nmtu = 1", { source: "/etc/bunnel.toml" });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ProfileError);
      expect(error).toMatchObject({
        code: "E_PROFILE",
        line: 1,
        column: 11,
        message:
          "/etc/bunnel.toml:1:11: version: expected 1, found 2\n" +
          "/etc/bunnel.toml:3:7: device.mtu: expected 0, or a whole number from 576 to 65535, found 1",
      });
    }
  });
});

describe("parseProfile() refuses what is not TOML", () => {
  test.each([
    ['[device]\nname = "x', "2:8 not TOML: unfinished string"],
    ["[device]\nmtu = 1\nmtu = 2", "3:1 not TOML: trying to redefine an already defined table or value"],
    ["version 1", "1:9 not TOML: illegal character in key"],
    ["[limits]\nmax_flows = 99999999999999999999", "2:13 not TOML: integer value cannot be represented losslessly"],
  ])("%j", (text, message) => {
    expect(problemsOf(text)).toEqual(["E_PROFILE_SYNTAX", message]);
  });
});

describe("parseProfile() names unknown keys with the nearest right one", () => {
  const root =
    "expected version, enabled, service, log, interception, gateway, device, limits, include, exclude, dns, memory, " +
    "stream, proxy, payload or rule";
  const device = "expected name, address, netmask, mtu, offload, queues or pump";
  const rule =
    "expected name, enabled, priority, hosts, hosts_file, addresses, addresses_file, ports, families, direction, " +
    "packets, egress, carries or strategy";
  const scope =
    "expected hosts, hosts_file, addresses, addresses_file, ports, protocols, interfaces, users, groups, cgroups " +
    "or processes";
  test.each([
    ["versoin = 1", `1:1 versoin: unknown key: ${root} (did you mean "version"?)`],
    ["\n  colour = 1", `2:3 colour: unknown key: ${root}`],
    ["[[rules]]\nname = 'a'", `1:1 rules: unknown key: ${root} (did you mean "rule"?)`],
    ["max_flows = 1", `1:1 max_flows: unknown key: ${root} (did you mean "max_flows" in [limits]?)`],
    ["hosts = []", `1:1 hosts: unknown key: ${root} (did you mean "hosts" in [[rule]]?)`],
    ['[device]\nname = "a"\n\n# mtu\nmut = 0', `5:1 device.mut: unknown key: ${device} (did you mean "mtu"?)`],
    [
      'device = { name = "a",  adress = "192.0.2.1" }',
      `1:25 device.adress: unknown key: ${device} (did you mean "address"?)`,
    ],
    [
      'interception.methd = "nft"',
      '1:14 interception.methd: unknown key: expected method, uplinks, exclude or kill_switch (did you mean "method"?)',
    ],
    [`${RULE}strategy = "pass"\nhost = []`, `4:1 rule "video": host: unknown key: ${rule} (did you mean "hosts"?)`],
    ["rule = [{ strategy = 'pass', name = 'b', x = 1 }]", `1:42 rule "b": x: unknown key: ${rule}`],
    ["__proto__ = 1", `1:1 __proto__: unknown key: ${root}`],
    ["constructor = 1", `1:1 constructor: unknown key: ${root}`],
    ['"a b".c = 1', `1:1 a b: unknown key: ${root}`],
    [
      "[limits.max]\nflows = 1",
      "1:1 limits.max: unknown key: expected max_flows, max_queue_size, flow_timeout_seconds, max_memory_mb, " +
        'max_jitter_ms or log_rate_limit (did you mean "max_flows"?)',
    ],
    ["[exclude]\nuser = []", `2:1 exclude.user: unknown key: ${scope} (did you mean "users"?)`],
  ])("%j", (text, message) => {
    expect(problemsOf(text)).toEqual(["E_PROFILE", message]);
  });
});

describe("parseProfile() refuses what a limit of the same profile forbids", () => {
  test("delays longer than max_jitter_ms", () => {
    const rule = (delay: string) => `[limits]\nmax_jitter_ms = 20\n${RULE}strategy = "tls: ${delay}"\n`;
    expect(problemsOf(rule("delay(15, jitter=6)"))).toEqual([
      "E_PROFILE",
      '5:12 rule "video": strategy: delay: expected at most 20 ms with its jitter (limits.max_jitter_ms), found 21',
    ]);
    expect(parseProfile(rule("delay(15, jitter=5)")).limits.maxJitterMs).toBe(20);
  });
});

describe("parseProfile() names wrong values", () => {
  const port = 'expected a port from 1 to 65535 or a range such as "8000-8100", found';
  const prefix = "expected an address or a prefix such as 203.0.113.0/24 or 2001:db8::/32, found";
  const packets = "expected the first and the last packet, each from 1 to 65535, as in [1, 4], found";
  const octets = 'expected "hex:1603…" or "file:path", found';
  const pass = 'strategy = "pass"\n';
  test.each([
    ['version = "1"', '1:11 version: expected 1, found "1"'],
    ["device = 5", "1:10 device: expected a table, found 5"],
    ["device = [1]", "1:10 device: expected a table, found a list"],
    ["limits = 1979-05-27", "1:10 limits: expected a table, found a date"],
    ["[[device]]", "1:1 device: expected a table, found a list"],
    ["rule = 1", "1:8 rule: expected a list, found 1"],
    ["[rule]\nname = 'a'", "1:1 rule: expected a list, found a table"],
    ["rule = [1]", "1:9 rule 1: expected a table, found 1"],
    [
      "[interception]\nmethod = 'nftables'",
      '2:10 interception.method: expected "auto", "nft" or "rules", found "nftables"',
    ],
    [
      "[interception]\nmethod = 'rule'",
      '2:10 interception.method: expected "auto", "nft" or "rules", found "rule" (did you mean "rules"?)',
    ],
    ["[interception]\nuplinks = 'eth0'", '2:11 interception.uplinks: expected a list, found "eth0"'],
    [
      "[interception]\nuplinks = ['eth0',\n  'a/b']",
      "3:3 interception.uplinks entry 2: expected an interface name of 1 to 15 letters, digits and _ . - %, " +
        'found "a/b"',
    ],
    ["[interception]\nexclude = ['192.0.2.300']", `2:12 interception.exclude entry 1: ${prefix} "192.0.2.300"`],
    ["[interception]\nexclude = ['192.0.2.0/33']", `2:12 interception.exclude entry 1: ${prefix} "192.0.2.0/33"`],
    [
      "[interception]\nexclude = ['203.0.113.9/24']",
      `2:12 interception.exclude entry 1: ${prefix} "203.0.113.9/24", which has bits set behind its first 24`,
    ],
    ["[interception]\nexclude = ['example.org']", `2:12 interception.exclude entry 1: ${prefix} "example.org"`],
    [
      "[device]\nname = 'sixteen-octets-x'",
      '2:8 device.name: expected an interface name of 1 to 15 letters, digits and _ . - %, found "sixteen-octets-x"',
    ],
    [
      "[device]\naddress = '2001:db8::1'",
      '2:11 device.address: expected an IPv4 address such as 10.0.85.1, found "2001:db8::1"',
    ],
    [
      "[device]\nnetmask = '255.0.255.0'",
      '2:11 device.netmask: expected a netmask such as 255.255.255.0, found "255.0.255.0"',
    ],
    ["[device]\nmtu = 575", "2:7 device.mtu: expected 0, or a whole number from 576 to 65535, found 575"],
    ["[limits]\nmax_flows = 0", "2:13 limits.max_flows: expected a whole number from 1 to 114688, found 0"],
    ["[limits]\nmax_flows = 1.5", "2:13 limits.max_flows: expected a whole number from 1 to 114688, found 1.5"],
    ["[limits]\nmax_flows = nan", "2:13 limits.max_flows: expected a whole number from 1 to 114688, found NaN"],
    [
      "[limits]\nflow_timeout_seconds = true",
      "2:24 limits.flow_timeout_seconds: expected a whole number from 1 to 86400, found true",
    ],
    [RULE, '1:1 rule "video": strategy: expected a value, found nothing'],
    [`[[rule]]\n${pass}`, "1:1 rule 1: name: expected a value, found nothing"],
    [
      `[[rule]]\nname = ""\n${pass}`,
      "2:8 rule 1: name: expected a name of 1 to 64 printable characters, found an empty text",
    ],
    [`[[rule]]\nname = 1\n${pass}`, "2:8 rule 1: name: expected a name of 1 to 64 printable characters, found 1"],
    [
      `[[rule]]\nname = "a\\tb"\n${pass}`,
      '2:8 rule "a\\tb": name: expected a name of 1 to 64 printable characters, found "a\\tb"',
    ],
    [
      `${RULE}${pass}${RULE}${pass}`,
      '5:8 rule "video": name: expected a name that no other rule has, found "video" a second time',
    ],
    [`${RULE}${pass}enabled = "yes"`, '4:11 rule "video": enabled: expected true or false, found "yes"'],
    [
      `${RULE}${pass}priority = 1e9`,
      '4:12 rule "video": priority: expected a whole number from -1000000 to 1000000, found 1000000000',
    ],
    [
      `${RULE}${pass}hosts = ["example.org", "=192.0.2.1"]`,
      '4:25 rule "video": hosts entry 2: expected a host name, found "192.0.2.1", which is an address',
    ],
    [`${RULE}${pass}hosts = [5]`, '4:10 rule "video": hosts entry 1: expected a host name, found 5'],
    [
      `${RULE}${pass}hosts = ["example.org", "Co.UK"]`,
      '4:25 rule "video": hosts entry 2: expected a name that somebody owns, found "Co.UK", a public suffix: ' +
        'write "all:co.uk" for everything below it, "=co.uk" for the name alone',
    ],
    [`${RULE}${pass}hosts_file = 5`, '4:14 rule "video": hosts_file: expected the path of a file, found 5'],
    [`${RULE}${pass}addresses = ["192.0.2.300"]`, `4:14 rule "video": addresses entry 1: ${prefix} "192.0.2.300"`],
    [
      `${RULE}${pass}direction = "outbound"`,
      '4:13 rule "video": direction: expected "out", "in" or "both", found "outbound"',
    ],
    [`${RULE}${pass}packets = 4`, `4:11 rule "video": packets: ${packets} 4`],
    [`${RULE}${pass}packets = [4]`, `4:11 rule "video": packets: ${packets} [4]`],
    [`${RULE}${pass}packets = [0, "4"]`, `4:11 rule "video": packets: ${packets} [0, "4"]`],
    [`${RULE}${pass}packets = [4, 1]`, `4:11 rule "video": packets: ${packets} [4, 1], which ends before it starts`],
    ["payload = 5", "1:11 payload: expected a table, found 5"],
    ["[payload]\na = 5", `2:5 payload.a: ${octets} 5`],
    ["[payload]\na = '1603'", `2:5 payload.a: ${octets} "1603"`],
    ["[payload]\na = 'hex:160'", '2:5 payload.a: expected pairs of hexadecimal digits behind "hex:", found "160"'],
    ["[payload]\ntls = 'hex:16'", '2:1 payload.tls: expected a name without a meaning, found "tls"'],
    [
      "[payload]\n'a b' = 'hex:16'",
      '2:1 payload.a b: expected a name of 1 to 255 characters without blanks and ( ) , = ;, found "a b"',
    ],
    [
      "[payload]\na = 'file:gone.bin'",
      '2:5 payload.a: expected a file that can be read, found "gone.bin": no such file',
    ],
    ["[payload]\na = 'file:none.bin'", '2:5 payload.a: expected 1 to 16384 octets, found 0 in "none.bin"'],
    [`${RULE}${pass}ports = [0]`, `4:10 rule "video": ports entry 1: ${port} 0`],
    [`${RULE}${pass}ports = [65536]`, `4:10 rule "video": ports entry 1: ${port} 65536`],
    [`${RULE}${pass}ports = ["http"]`, `4:10 rule "video": ports entry 1: ${port} "http"`],
    [
      `${RULE}${pass}ports = [443, "90-80"]`,
      `4:15 rule "video": ports entry 2: ${port} "90-80", which ends before it starts`,
    ],
    [`${RULE}${pass}families = []`, '4:12 rule "video": families: expected ipv4, ipv6 or both, found none'],
    [
      `${RULE}${pass}families = ["ip6"]`,
      '4:13 rule "video": families entry 1: expected "ipv4" or "ipv6", found "ip6" (did you mean "ipv6"?)',
    ],
    [
      `${RULE}strategy = ["pass"]`,
      '3:12 rule "video": strategy: expected a strategy or a preset\'s name as text, found a list',
    ],
  ])("%j", (text, message) => {
    expect(problemsOf(text)).toEqual(["E_PROFILE", message]);
  });
});

test("parseProfile() reports every problem at once, in the order of the text", () => {
  const text = `colour = 1
[device]
mtu = -1
nam = "x"
[[rule]]
name = "a"
hosts = ["*.example.org", "b", "c d"]
strategy = "tls: disorder"
[[rule]]
name = "a"
ports = [0, 1, 99999]
strategy = "preset:nothing"
`;
  const [code, ...problems] = problemsOf(text);
  expect(code).toBe("E_PROFILE");
  expect(problems.map((problem) => problem.replace(/: expected.*| \(did.*/, ""))).toEqual([
    "1:1 colour: unknown key",
    "3:7 device.mtu",
    "4:1 device.nam: unknown key",
    '7:10 rule "a": hosts entry 1',
    '7:32 rule "a": hosts entry 3',
    '8:18 rule "a": strategy: disorder',
    '10:8 rule "a": name',
    '11:10 rule "a": ports entry 1',
    '11:16 rule "a": ports entry 3',
    '12:20 rule "a": strategy: preset',
  ]);
});

test("parseProfile() answers any text with a profile or with problems that lie in it", () => {
  const sample = defaultProfileText();
  const pieces = ["", "=", '"', "[", "]", "[[rule]]\n", "\n", "1", "#", "'''", "a.b", "{", "}", ",", "\\", "é", " "];
  const anyCut = fc.tuple(fc.nat(sample.length), fc.nat(20), fc.constantFrom(...pieces));
  fc.assert(
    fc.property(fc.array(anyCut, { minLength: 1, maxLength: 4 }), (cuts) => {
      const text = cuts.reduce((now, [at, bytes, put]) => now.slice(0, at) + put + now.slice(at + bytes), sample);
      const [code, ...problems] = problemsOf(text);
      expect(code === undefined).toBe(problems.length === 0);
      const lines = text.split("\n");
      for (const problem of problems) {
        const [line = 0, column = 0] = problem.split(/[: ]/, 2).map(Number);
        expect(column).toBeGreaterThanOrEqual(1);
        expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? -1) + 1);
      }
    }),
    { numRuns: 2000 },
  );
});
