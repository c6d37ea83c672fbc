import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { anySplitProfile } from "../../test/arbitraries.ts";
import { loadFile } from "../../test/files.ts";
import { defaultProfile } from "./default-profile.ts";
import { parseProfile } from "./parse.ts";
import { printProfile, ruleStrategyText } from "./print.ts";

describe("printProfile()", () => {
  test("what it prints, parseProfile reads back to an equal profile", () => {
    fc.assert(
      fc.property(anySplitProfile, (profile) => {
        expect(parseProfile(printProfile(profile), { load: loadFile })).toEqual(profile);
      }),
      { numRuns: 300 },
    );
  });

  test("writes every key", () => {
    expect(printProfile(defaultProfile())).toBe(`version = 1
enabled = true

[service]
user = ""
audit_log = ""

[log]
level = "info"
format = "human"
log_hosts = false

[interception]
method = "auto"
uplinks = []
exclude = []
kill_switch = false

[gateway]
interfaces = []

[device]
name = "bunnel0"
address = "10.0.85.1"
netmask = "255.255.255.0"
mtu = 0
offload = true
queues = 1
pump = "auto"

[limits]
max_flows = 10000
max_queue_size = 1000
flow_timeout_seconds = 120
max_memory_mb = 512
max_jitter_ms = 500
log_rate_limit = 100

[include]
hosts = []
hosts_file = ""
addresses = []
addresses_file = ""
ports = []
protocols = []
interfaces = []
users = []
groups = []
cgroups = []
processes = []

[exclude]
hosts = []
hosts_file = ""
addresses = []
addresses_file = ""
ports = []
protocols = []
interfaces = []
users = []
groups = []
cgroups = []
processes = []

[dns]
upstreams = ["https://1.1.1.1/dns-query", "https://9.9.9.9/dns-query", "https://8.8.8.8/dns-query"]
method = "post"
certificates_file = ""
timeout_ms = 4000
next_upstream_ms = 500
cache_entries = 4096
ttl_min_seconds = 30
ttl_max_seconds = 3600
negative_ttl_max_seconds = 300
max_pending = 512
fallback = "none"
system_names = ["lan", "local", "localdomain", "home.arpa", "internal"]

[memory]
enabled = true
file = ""
remember = "failed"
max_hosts = 5000
watch = true
failures = 3
window_seconds = 60
throttled_kib = 32
throttled_seconds = 8
tries_per_hour = 20
candidates = []

[stream]
max_flows = 16384
idle_timeout_seconds = 3600
connect_timeout_seconds = 20
message_timeout_ms = 1000
by_name = false
max_datagram_sessions = 1024
datagram_timeout_seconds = 60

[proxy]
listen = ["127.0.0.1:1080"]
remote = false
user = ""
password = ""
udp = true

[payload]

[[rule]]
name = "everything"
enabled = true
priority = 0
hosts = []
hosts_file = ""
addresses = []
addresses_file = ""
ports = []
families = ["ipv4", "ipv6"]
direction = "both"
packets = []
egress = "auto"
carries = ["tcp"]
strategy = "preset:default"
`);
  });

  test("breaks long lists, writes ranges as text and says when there is no rule", () => {
    const hosts = Array.from({ length: 5 }, (_, index) => `host-number-${index}.example.org`);
    const text = `[[rule]]\nname = "a"\nports = [80, "8000-8100"]\nhosts = ${JSON.stringify(hosts)}\nstrategy = "pass"`;
    const printed = printProfile(parseProfile(text));
    expect(printed).toContain('ports = [80, "8000-8100"]\n');
    expect(printed).toContain(`hosts = [\n${hosts.map((host) => `  "${host}",\n`).join("")}]\n`);
    expect(printProfile({ ...defaultProfile(), rules: [] })).toStartWith(
      "version = 1\nenabled = true\nrule = []\n\n[service]",
    );
  });
});

test("printProfile() writes files by their paths, and payloads as the profile says them", () => {
  const text = `[payload]
old-quic = "file:quic.bin"
"a.b" = "hex:00FF"
[[rule]]
name = "a"
hosts_file = "hosts.txt"
packets = [1, 4]
strategy = "quic: fake(file=old-quic)"`;
  const printed = printProfile(parseProfile(text, { load: loadFile }));
  expect(printed).toContain('[payload]\nold-quic = "file:quic.bin"\n"a.b" = "hex:00ff"\n\n');
  expect(printed).toContain('hosts = []\nhosts_file = "hosts.txt"\n');
  expect(printed).toContain("packets = [1, 4]\n");
});

test("ruleStrategyText() gives up the preset's name when the strategy is another", () => {
  const [rule] = parseProfile('[[rule]]\nname = "a"\nstrategy = "preset:vodafone"').rules;
  if (!rule) throw new Error("the profile has no rule");
  expect(ruleStrategyText(rule)).toBe("preset:vodafone");
  expect(ruleStrategyText({ ...rule, preset: "superonline" })).toBe(
    "tls: split(3, host+3, midsld)  http: split(host+3)",
  );
  expect(ruleStrategyText({ ...rule, preset: "gone" })).toStartWith("tls: split(3");
});
