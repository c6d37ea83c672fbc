// Keys whose effect takes what a table cannot have: a clock, control groups, a memory that is full. Each names the test
// that shows it, and words that stand in that test.

/** A test file from the repository's root, and what it must hold. */
export type Shown = readonly [file: string, words: string];

const OWNERS = "packages/tun-linux/src/intercept/owners.test.ts";

export const SHOWN_ELSEWHERE: Readonly<Record<string, Shown>> = {
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
  "include.users": [OWNERS, "include: { users: ["],
  "include.groups": [OWNERS, "include: { groups: ["],
  "include.cgroups": [OWNERS, "include: { cgroups: ["],
  "include.processes": [OWNERS, "include: { processes: ["],
  "include.interfaces": ["apps/bunnel/src/service/settings.test.ts", 'interfaces = ["wlan0"]'],
};
