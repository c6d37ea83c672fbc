// Hosts, strategies and profiles of every shape, for properties.
import fc from "fast-check";
import { clientHello } from "@bunnel/wire";
import {
  defaultProfile,
  PRESETS,
  readRuleStrategy,
  type ListFile,
  type PortRange,
  type Profile,
  type Rule,
  type SplitScope,
} from "../src/index.ts";
import { anyDns } from "./arbitrary-dns.ts";
import { anyHostName } from "./arbitrary-host.ts";
import { anyStrategy } from "./arbitrary-strategy.ts";
import { loadFile } from "./files.ts";

export { anyHostName, anyStrategy };

const anyPorts: fc.Arbitrary<PortRange> = fc
  .tuple(fc.integer({ min: 1, max: 65535 }), fc.integer({ min: 0, max: 300 }))
  .map(([first, more]) => ({ first, last: Math.min(first + more, 65535) }));

const anyRuleStrategy = fc.oneof(
  anyStrategy.map((strategy) => ({ strategy })),
  fc.constantFrom(...PRESETS).map(({ name }) => readRuleStrategy(`preset:${name}`)),
);

const HOSTS_FILES: readonly ListFile[] = [
  { path: "hosts.txt", text: "video.example.org\n=www.example.org\n=old.example.org\nall:co.uk" },
  { path: "lists/hosts.txt.gz", text: "a.example.org\nb.example.org" },
  { path: "empty.txt", text: "" },
];
const ADDRESSES_FILES: readonly ListFile[] = [
  { path: "addresses.txt", text: "203.0.113.0/25\n203.0.113.128/25\n2001:db8::/32\n192.0.2.7/32" },
  { path: "empty.txt", text: "" },
];

/** Prefixes over few addresses, so that many touch or lie in each other. */
const anyPrefix: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(fc.nat(15), fc.integer({ min: 28, max: 32 })).map(([host, length]) => {
    const first = host & (0xff << (32 - length));
    return `192.0.2.${first & 0xff}/${length}`;
  }),
  fc.constantFrom("0.0.0.0/0", "::/0", "203.0.113.0/24", "2001:db8::/32", "2001:db8:0:8000::/49", "2001:db9::/32"),
);

/** The files and octets of PAYLOAD_NAMES. */
const PAYLOADS: Profile["payloads"] = {
  hello: hexPayload(clientHello({ serverName: "b.example.org" })),
  "Old-Quic_1": { text: "file:quic.bin", hex: loadFile("quic.bin").toHex() },
  "bin/stun.bin": { text: "file:bin/stun.bin", hex: loadFile("bin/stun.bin").toHex() },
};

function hexPayload(octets: Uint8Array): Profile["payloads"][string] {
  return { text: `hex:${octets.toHex()}`, hex: octets.toHex() };
}

const anyRule: fc.Arbitrary<Rule> = fc
  .tuple(
    fc.record(
      {
        name: fc.stringMatching(/^[\w"'\\#\u00e9](?:[ \w"'\\#=[\]\u00e9]{0,20}[\w"'\\#])?$/),
        enabled: fc.boolean(),
        priority: fc.integer({ min: -5, max: 5 }),
        hosts: fc.uniqueArray(
          fc.oneof(
            anyHostName,
            anyHostName.map((name) => `=${name}`),
          ),
          { maxLength: 8 },
        ),
        hostsFile: fc.constantFrom(...HOSTS_FILES),
        addresses: fc.uniqueArray(anyPrefix, { maxLength: 6 }),
        addressesFile: fc.constantFrom(...ADDRESSES_FILES),
        direction: fc.constantFrom("out" as const, "in" as const, "both" as const),
        egress: fc.constantFrom("auto" as const, "packet" as const),
        carries: fc.constant(["tcp" as const]),
        packets: fc
          .tuple(fc.integer({ min: 1, max: 8 }), fc.oneof(fc.nat(4), fc.constant(65527)))
          .map(([first, more]) => ({ first, last: first + more })),
        ports: fc.array(anyPorts, { maxLength: 7 }),
        families: fc.subarray(["ipv4" as const, "ipv6" as const], { minLength: 1 }),
      },
      {
        requiredKeys: [
          "name",
          "enabled",
          "priority",
          "hosts",
          "addresses",
          "direction",
          "egress",
          "carries",
          "ports",
          "families",
        ],
        noNullPrototype: true,
      },
    ),
    anyRuleStrategy,
  )
  .map(([rule, strategy]) => ({ ...rule, ...strategy }));

const anyScope: fc.Arbitrary<SplitScope> = fc.record(
  {
    hosts: fc.uniqueArray(anyHostName, { maxLength: 2 }),
    hostsFile: fc.constantFrom(...HOSTS_FILES),
    addresses: fc.uniqueArray(anyPrefix, { maxLength: 3 }),
    addressesFile: fc.constantFrom(...ADDRESSES_FILES),
    ports: fc.array(anyPorts, { maxLength: 3 }),
    protocols: fc.subarray(["tcp" as const, "udp" as const]),
    interfaces: fc.subarray(["eth0", "wlan0"]),
    users: fc.subarray(["alice", "1000", "1000-1999"]),
    groups: fc.subarray(["users", "0"]),
    cgroups: fc.subarray(["user.slice", "system.slice/a b.service"]),
    processes: fc.subarray(["curl", "Socket Thread"]),
  },
  {
    requiredKeys: [
      ...(["hosts", "addresses", "ports", "protocols", "interfaces"] as const),
      ...(["users", "groups", "cgroups", "processes"] as const),
    ],
    noNullPrototype: true,
  },
);

export const anyProfile: fc.Arbitrary<Profile> = fc.record(
  {
    version: fc.constant(1 as const),
    enabled: fc.constant(true),
    service: fc.record(
      { user: fc.constantFrom("", "bunnel", "1000:1000"), auditLog: fc.constantFrom("", "/var/log/audit.log") },
      { noNullPrototype: true },
    ),
    log: fc.record(
      {
        level: fc.constantFrom("error" as const, "debug" as const),
        format: fc.constantFrom("human" as const, "json" as const),
        hosts: fc.boolean(),
      },
      { noNullPrototype: true },
    ),
    interception: fc.record(
      {
        method: fc.constantFrom("auto" as const, "nft" as const, "rules" as const),
        uplinks: fc.array(fc.constantFrom("eth0", "wlan0", "br-1.2"), { maxLength: 2 }),
        exclude: fc.array(fc.constantFrom("203.0.113.0/24", "192.0.2.7/32", "2001:db8::/32"), { maxLength: 3 }),
        killSwitch: fc.boolean(),
      },
      { noNullPrototype: true },
    ),
    gateway: fc.record(
      { interfaces: fc.array(fc.constantFrom("br-lan", "lan0"), { maxLength: 2 }) },
      { noNullPrototype: true },
    ),
    device: fc.record(
      {
        name: fc.constantFrom("bunnel0", "bunnel%d"),
        address: fc.constantFrom("10.0.85.1", "192.0.2.1"),
        netmask: fc.constantFrom("255.255.255.0", "255.255.255.252"),
        mtuBytes: fc.constantFrom(0, 576, 1500, 65535),
        offload: fc.boolean(),
        queues: fc.integer({ min: 1, max: 4 }),
        pump: fc.constantFrom("auto" as const, "plain" as const, "uring" as const),
      },
      { noNullPrototype: true },
    ),
    limits: fc.record(
      {
        maxFlows: fc.integer({ min: 1, max: 114_688 }),
        maxQueueSize: fc.integer({ min: 1, max: 1_000_000 }),
        flowTimeoutSeconds: fc.integer({ min: 1, max: 86_400 }),
        maxMemoryMb: fc.constantFrom(0, 64, 65_536),
        // Strategies of every shape have delays of every length.
        maxJitterMs: fc.constant(20_000),
        logRateLimit: fc.integer({ min: 1, max: 100_000 }),
      },
      { noNullPrototype: true },
    ),
    include: fc.constant(defaultProfile().include),
    exclude: fc.constant(defaultProfile().exclude),
    dns: anyDns,
    memory: fc.record(
      {
        ...{ enabled: fc.boolean(), file: fc.constantFrom("", "/var/lib/x/m.sqlite"), watch: fc.boolean() },
        ...{ remember: fc.constantFrom("failed" as const, "all" as const), maxHosts: fc.integer({ min: 1, max: 9 }) },
        failures: fc.integer({ min: 1, max: 100 }),
        windowSeconds: fc.integer({ min: 1, max: 3600 }),
        throttledKib: fc.integer({ min: 0, max: 1024 }),
        throttledSeconds: fc.integer({ min: 3, max: 60 }),
        triesPerHour: fc.integer({ min: 1, max: 1000 }),
        candidates: fc.subarray(["preset:aggressive", "tls: split(2)"]),
      },
      { noNullPrototype: true },
    ),
    stream: fc.record(
      {
        maxFlows: fc.integer({ min: 1, max: 1_000_000 }),
        idleTimeoutSeconds: fc.constantFrom(0, 1, 86_400),
        connectTimeoutSeconds: fc.integer({ min: 1, max: 300 }),
        messageTimeoutMs: fc.integer({ min: 10, max: 60_000 }),
        byName: fc.boolean(),
        maxDatagramSessions: fc.integer({ min: 1, max: 65_536 }),
        datagramTimeoutSeconds: fc.integer({ min: 1, max: 86_400 }),
      },
      { noNullPrototype: true },
    ),
    proxy: fc.record(
      {
        listen: fc.uniqueArray(fc.constantFrom("127.0.0.1:1080", "[::1]:0"), { maxLength: 2 }),
        remote: fc.boolean(),
        user: fc.constantFrom("me", 'a"b'),
        password: fc.constantFrom("", "s\u00e9cret"),
        udp: fc.boolean(),
      },
      { noNullPrototype: true },
    ),
    payloads: fc.constant(PAYLOADS),
    rules: fc.uniqueArray(anyRule, { maxLength: 6, selector: ({ name }) => name }),
  },
  { noNullPrototype: true },
);

/** Profiles that leave something alone besides. */
export const anySplitProfile: fc.Arbitrary<Profile> = fc
  .tuple(anyProfile, anyScope, anyScope)
  .map(([profile, include, exclude]) => ({ ...profile, include, exclude }));
