// Keys whose effect takes what a table cannot have: a clock, control groups, a memory that is full. Each names the test
// that shows it, and words that stand in that test.

/** A test file from the repository's root, and what it must hold. */
export type Shown = readonly [file: string, words: string];

const OWNERS = "packages/tun-linux/src/intercept/owners.test.ts";

const RESOLVER = "packages/resolver/src/resolver.test.ts";
const CACHE = "packages/resolver/src/cache.test.ts";
const PROXY = "test/cli/proxy.test.ts";
const DNS = "test/e2e/dns.test.ts";
const LEARNING = "apps/bunnel/src/memory/learning.test.ts";
const PLACE = "apps/bunnel/src/memory/place.test.ts";

export const SHOWN_ELSEWHERE: Readonly<Record<string, Shown>> = {
  "dns.upstreams": [DNS, "upstreams"],
  "dns.method": [RESOLVER, "made = resolver([target(upstream)], { method })"],
  "dns.certificates_file": [DNS, "certificates_file"],
  "dns.timeout_ms": [RESOLVER, "{ timeoutMs: 50 }"],
  "dns.next_upstream_ms": [RESOLVER, "{ nextUpstreamMs: 20 }"],
  "dns.cache_entries": [DNS, "cache_entries = 0"],
  "dns.ttl_min_seconds": [CACHE, "is that of the record that lives shortest, within the bounds"],
  "dns.ttl_max_seconds": [CACHE, "is that of the record that lives shortest, within the bounds"],
  "dns.negative_ttl_max_seconds": [CACHE, "of no answer is what the SOA says"],
  "dns.max_pending": [RESOLVER, "{ maxPending: 1"],
  "dns.fallback": ["packages/resolver/src/plain-upstream.test.ts", "serves as fallback when it is told so"],
  "dns.system_names": [DNS, 'system_names = ["org"]'],
  "memory.enabled": [PLACE, "[memory] enabled: nothing is made where it is off"],
  "memory.file": [PLACE, "[memory] file: where it lies"],
  "memory.max_hosts": [PLACE, "[memory] max_hosts: so many are kept"],
  "memory.remember": [LEARNING, 'remember = "all"'],
  "memory.watch": [LEARNING, "watch = false"],
  "memory.failures": [LEARNING, "failures = 5"],
  "memory.window_seconds": [LEARNING, "window_seconds = 2"],
  "memory.throttled_kib": [LEARNING, "throttled_kib = 20"],
  "memory.throttled_seconds": [LEARNING, "throttled_seconds = 5"],
  "memory.tries_per_hour": [LEARNING, "tries_per_hour = 4"],
  "memory.candidates": [LEARNING, "candidates = ${JSON.stringify(tried)}"],
  "stream.max_flows": [PROXY, "[stream]\\nmax_flows = 1"],
  "stream.idle_timeout_seconds": [PROXY, "idle_timeout_seconds = 1"],
  "stream.connect_timeout_seconds": [PROXY, "connect_timeout_seconds = 1"],
  "stream.message_timeout_ms": [PROXY, "message_timeout_ms = 50"],
  "stream.by_name": ["test/e2e/stream-by-name.test.ts", "takes them by name with by_name"],
  "stream.max_datagram_sessions": [PROXY, "max_datagram_sessions = 1"],
  "stream.datagram_timeout_seconds": [PROXY, "datagram_timeout_seconds = 1"],
  "proxy.listen": [PROXY, "listens where [proxy] says"],
  "proxy.remote": [PROXY, "remote = true"],
  "proxy.user": [PROXY, 'user = "me"'],
  "proxy.password": [PROXY, 'password = "secret"'],
  "proxy.udp": [PROXY, "udp = false"],
  "limits.flow_timeout_seconds": ["packages/backend/test/flow-cleanup.test.ts", "flow_timeout_seconds = "],
  "limits.max_queue_size": ["packages/backend/src/tun-backend.test.ts", "max_queue_size = 3"],
  "limits.max_memory_mb": ["apps/bunnel/src/service/memory-watch.test.ts", "limits.max_memory_mb"],
  "limits.log_rate_limit": ["apps/bunnel/src/service/settings.test.ts", "log_rate_limit = 2"],
  "device.address": ["apps/bunnel/src/service/settings.test.ts", 'address = "10.0.9.1"'],
  "device.netmask": ["apps/bunnel/src/service/settings.test.ts", 'netmask = "255.255.0.0"'],
  "exclude.interfaces": [OWNERS, 'exclude: { interfaces: ["c0"] }'],
  "exclude.groups": [OWNERS, "groups: [{ first: 70, last: 79 }]"],
  "exclude.cgroups": [OWNERS, "exclude: { cgroups: ["],
  "exclude.processes": [OWNERS, "exclude: { processes: ["],
  "gateway.interfaces": ["test/e2e/gateway.test.ts", "[gateway]\\ninterfaces = ["],
  "include.users": [OWNERS, "include: { users: ["],
  "include.groups": [OWNERS, "include: { groups: ["],
  "include.cgroups": [OWNERS, "include: { cgroups: ["],
  "include.processes": [OWNERS, "include: { processes: ["],
  "include.interfaces": ["apps/bunnel/src/service/settings.test.ts", 'interfaces = ["wlan0"]'],
};
