// The sections [include] and [exclude]: what is looked at at all, and what is left alone whatever the rules say.
//
// [include]: a packet must fit every list that has entries. [exclude]: one list that it fits is enough.
import * as v from "valibot";
import { deepFreeze } from "../freeze.ts";
import { readPrefix } from "./address.ts";
import { list as printList, printPorts, quoted, table as printTable } from "./print-words.ts";
import type { ListFile, PortRange } from "./profile.ts";
import { list, oneOf, read, table } from "./schema-words.ts";
import {
  readCgroup,
  readHostEntry,
  readInterfaceName,
  readOwner,
  readPath,
  readPorts,
  readProcessName,
} from "./values.ts";

export const PROTOCOLS = ["tcp", "udp"] as const;
/** A transport protocol. */
export type Protocol = (typeof PROTOCOLS)[number];

/** `[include]` or `[exclude]` of a profile. An empty list says nothing. */
export interface SplitScope {
  /** As those of a rule. */
  readonly hosts: readonly string[];
  readonly hostsFile?: ListFile;
  /** Destinations: address and prefix length. */
  readonly addresses: readonly string[];
  readonly addressesFile?: ListFile;
  readonly ports: readonly PortRange[];
  readonly protocols: readonly Protocol[];
  /** Interfaces that packets leave by. */
  readonly interfaces: readonly string[];
  /** Who opened the socket: names, numbers, "1000-1999". */
  readonly users: readonly string[];
  readonly groups: readonly string[];
  /** Control groups, version 2, by their path below the root; what lies below one is in it. */
  readonly cgroups: readonly string[];
  /** Names of threads that open sockets, as `ps -L` shows them: at most 15 octets. */
  readonly processes: readonly string[];
}

/** The files of hosts and addresses of one table. */
export interface ScopeLists {
  readonly hostsFile?: ListFile;
  readonly addressesFile?: ListFile;
}

export const SPLIT_DEFAULTS: SplitScope = deepFreeze({
  ...{ hosts: [], addresses: [], ports: [], protocols: [], interfaces: [] },
  ...{ users: [], groups: [], cgroups: [], processes: [] },
});

export const splitTable = table({
  hosts: v.optional(list(read(readHostEntry)), []),
  hosts_file: v.optional(read(readPath), ""),
  addresses: v.optional(list(read(readPrefix)), []),
  addresses_file: v.optional(read(readPath), ""),
  ports: v.optional(list(read(readPorts)), []),
  protocols: v.optional(list(oneOf(PROTOCOLS)), []),
  interfaces: v.optional(list(read(readInterfaceName)), []),
  users: v.optional(list(read(readOwner)), []),
  groups: v.optional(list(read(readOwner)), []),
  cgroups: v.optional(list(read(readCgroup)), []),
  processes: v.optional(list(read(readProcessName)), []),
});

/** The section from what was read. */
export function buildSplit(input: v.InferOutput<typeof splitTable>, lists: ScopeLists): SplitScope {
  const { hosts, addresses, ports, protocols, interfaces, users, groups, cgroups, processes } = input;
  return {
    hosts: [...new Set(hosts)],
    ...(lists.hostsFile && { hostsFile: lists.hostsFile }),
    addresses: [...new Set(addresses)],
    ...(lists.addressesFile && { addressesFile: lists.addressesFile }),
    ports,
    protocols: PROTOCOLS.filter((protocol) => protocols.includes(protocol)),
    ...{ interfaces, users, groups, cgroups, processes },
  };
}

/** The section as TOML. */
export function printScope(header: string, scope: SplitScope): string {
  const texts = (key: string, entries: readonly string[]): [string, string] => [
    key,
    printList(key, entries.map(quoted)),
  ];
  return printTable(header, [
    texts("hosts", scope.hosts),
    ["hosts_file", quoted(scope.hostsFile?.path ?? "")],
    texts("addresses", scope.addresses),
    ["addresses_file", quoted(scope.addressesFile?.path ?? "")],
    ["ports", printList("ports", scope.ports.map(printPorts))],
    texts("protocols", scope.protocols),
    texts("interfaces", scope.interfaces),
    texts("users", scope.users),
    texts("groups", scope.groups),
    texts("cgroups", scope.cgroups),
    texts("processes", scope.processes),
  ]);
}

/** Both sections as the sample has them. */
export function splitText(): string {
  return `# What is looked at at all: a packet must fit every list that has entries. Empty: everything.
[include]
${keysText("hosts = []")}
# What is left alone, whatever the rules say: one list that a packet fits is enough. Loopback, private, link-local and
# multicast destinations and what leaves by another VPN are left alone anyway.
[exclude]
${keysText("hosts = []")}`;
}

function keysText(hosts: string): string {
  return `# As in a rule: "example.org", "=www.example.org"; files with one entry a line, gzip, zstd or plain.
${hosts}
hosts_file = ""
addresses = []
addresses_file = ""
# Destination ports: 443, "8000-8100".
ports = []
# "tcp", "udp".
protocols = []
# Interfaces that packets leave by.
interfaces = []
# Who opened the socket: "alice", "1000", "1000-1999".
users = []
groups = []
# Control groups (version 2) with all below them: "user.slice/user-1000.slice". Needs nftables.
cgroups = []
# The name of the thread that opens the socket, as \`ps -L\` shows it: "curl". Needs nftables and the right to load BPF.
processes = []
`;
}

const texts = { type: "array", items: { type: "string" }, default: [] } as const;
const PORT_JSON = {
  oneOf: [
    { type: "integer", minimum: 1, maximum: 65535 },
    { type: "string", pattern: "^\\d{1,5}(-\\d{1,5})?$" },
  ],
} as const;

/** The keys of either section as JSON Schema. */
export const SPLIT_JSON = {
  hosts: { ...texts, description: "example.org: it and all below it; =www.example.org: it alone." },
  hosts_file: { type: "string", description: "A file with more of them, gzip, zstd or plain.", default: "" },
  addresses: { ...texts, description: "Destinations: 203.0.113.0/24, 2001:db8::/32." },
  addresses_file: { type: "string", description: "A file with more of them.", default: "" },
  ports: { ...texts, items: PORT_JSON, description: 'Destination ports: 443, "8000-8100".' },
  protocols: { ...texts, items: { enum: PROTOCOLS }, description: "Transport protocols." },
  interfaces: { ...texts, description: "Interfaces that packets leave by." },
  users: { ...texts, description: "Who opened the socket: alice, 1000, 1000-1999." },
  groups: { ...texts, description: "Their groups." },
  cgroups: { ...texts, description: "Control groups, version 2: user.slice/user-1000.slice." },
  processes: { ...texts, description: "Names of threads that open sockets." },
} as const;
