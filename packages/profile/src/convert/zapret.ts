// Option lines of nfqws and winws, the packet programs of zapret 1. Each `--new` begins a profile: it becomes a rule.
import type { Kind } from "../notation/kinds.ts";
import { Draft, emptyRule, type DraftRule } from "./draft.ts";
import { foolingsOf, type Foolings } from "./zapret-foolings.ts";
import { taken, type Said } from "./zapret-options.ts";
import { addTechniques } from "./zapret-techniques.ts";
import { optionsOf, portsOf, wordsOf, type Option } from "./words.ts";

const ELSEWHERE: Readonly<Record<string, string>> = {
  ...{
    qnum: "there is no queue",
    port: "there is no queue",
    daemon: "a service manager does that",
    pidfile: "as daemon",
  },
  ...{ "dpi-desync-fwmark": "marks are bunnel's own", "ctrack-timeouts": "see limits.flow_timeout_seconds" },
  ...{ "ctrack-disable": "flows are always followed", debug: "see log.level", comment: "it says nothing" },
  ...{ "wf-tcp": "rules say which ports come up", "wf-udp": "rules say which ports come up" },
  ...{ "wf-l3": "see families of a rule", "wf-raw": "interception is bunnel's own", "wf-raw-part": "as wf-raw" },
  ...{ "dpi-desync-any-protocol": "packets of unknown protocols are left alone" },
  ...{ "dpi-desync-cutoff": "each message is judged by itself", "dpi-desync-start": "as cutoff" },
  ...{ "dpi-desync-skip-nosni": "a rule with hosts does that", "dpi-desync-fake-unknown": "unknown protocols pass" },
  ...{ "dpi-desync-fake-unknown-udp": "unknown protocols pass", "dpi-desync-fake-discord": "it is left alone" },
  ...{ "dpi-desync-fake-stun": "STUN is left alone", "dpi-desync-fake-wireguard": "WireGuard is left alone" },
  ...{ "hostlist-auto": "lists do not grow by themselves", wsize: "it is for servers" },
};

/** @throws nothing: what has no counterpart is noted */
export function convertZapret(text: string): Draft {
  const draft = new Draft();
  const groups: Option[][] = [[]];
  for (const option of optionsOf(wordsOf(text), { valued: new Set() })) {
    if (option.name === "new") groups.push([]);
    else groups.at(-1)?.push(option);
  }
  for (const [index, options] of groups.entries()) convertGroup(draft, options, index + 1);
  return draft;
}

function convertGroup(draft: Draft, options: readonly Option[], number: number): void {
  const said: Said = new Map();
  for (const option of options) {
    if (option.name === "user" && option.value !== undefined) {
      draft.set(option.text, "service", "user", JSON.stringify(option.value));
    } else if (Object.hasOwn(ELSEWHERE, option.name) || option.name.startsWith("hostlist-auto")) {
      draft.lost(option.text, ELSEWHERE[option.name] ?? "lists do not grow by themselves");
    } else said.set(option.name, [...(said.get(option.name) ?? []), option]);
  }
  const rule = emptyRule(`zapret ${number}`);
  const kinds = kindsOf(draft, said, rule);
  const foolings: Foolings = foolingsOf(draft, said);
  addTechniques(draft, rule, kinds, said, foolings);
  addLists(draft, rule, said);
  for (const each of said.values()) for (const { text } of each) draft.lost(text, "bunnel knows no such option");
}

const L7: Readonly<Record<string, Kind>> = { tls: "tls", http: "http", quic: "quic" };

function kindsOf(draft: Draft, said: Said, rule: DraftRule): readonly Kind[] {
  const kinds = new Set<Kind>();
  for (const { name, text, value = "" } of taken(said, "filter-tcp", "filter-udp")) {
    const ports = portsOf(value);
    rule.ports.push(...ports.filter((port) => !rule.ports.includes(port)));
    const own: readonly Kind[] = name === "filter-tcp" ? ["tls", "http"] : ["quic"];
    for (const kind of own) if (kind !== "http" || ports.join() !== "443") kinds.add(kind);
    draft.became(text, ports.length === 0 ? "any port" : `ports = [${ports.join(", ")}]`);
  }
  const all: readonly Kind[] = kinds.size === 0 ? ["tls", "http", "quic"] : [...kinds];
  const [l3] = taken(said, "filter-l3");
  if (l3) {
    rule.families.push(...(l3.value ?? "").split(",").filter((each) => each === "ipv4" || each === "ipv6"));
    draft.became(l3.text, `families = ${JSON.stringify(rule.families)}`);
  }
  const [l7] = taken(said, "filter-l7");
  if (l7 === undefined) return all;
  const named = (l7.value ?? "").split(",");
  const left = named.flatMap((name) => (Object.hasOwn(L7, name) ? (L7[name] ?? []) : []));
  if (left.length > 0) draft.became(l7.text, `clauses for ${left.join(", ")}`);
  else draft.lost(l7.text, "messages of these protocols are left alone");
  return all.filter((kind) => left.includes(kind));
}

/** Each list is a rule of its own where there are several; what is excluded is left alone before. */
function addLists(draft: Draft, rule: DraftRule, said: Said): void {
  const lists: Partial<DraftRule>[] = [];
  for (const { name, text, value = "" } of taken(said, "hostlist", "ipset")) {
    const key = name === "hostlist" ? "hostsFile" : "addressesFile";
    lists.push({ [key]: pathOf(value) });
    draft.became(text, `${name === "hostlist" ? "hosts_file" : "addresses_file"} = ${pathOf(value)}`);
  }
  for (const { name, text, value = "" } of taken(said, "hostlist-domains", "ipset-ip")) {
    const entries = value.split(",").map(hostOf);
    lists.push(name === "hostlist-domains" ? { hosts: entries } : { addresses: entries });
    draft.became(text, `${name === "hostlist-domains" ? "hosts" : "addresses"} = ${entries.join(", ")}`);
  }
  const excludes = taken(said, "hostlist-exclude", "ipset-exclude", "hostlist-exclude-domains", "ipset-exclude-ip");
  for (const [index, { name, text, value = "" }] of excludes.entries()) {
    const pass = { ...emptyRule(`${rule.name} exclude ${index + 1}`), isPass: true, ports: [...rule.ports] };
    if (name === "hostlist-exclude") pass.hostsFile = pathOf(value);
    else if (name === "ipset-exclude") pass.addressesFile = pathOf(value);
    else (name === "ipset-exclude-ip" ? pass.addresses : pass.hosts).push(...value.split(",").map(hostOf));
    draft.rules.push(pass);
    draft.became(text, `rule "${pass.name}": pass`, "it comes before the rules behind it, on the same ports");
  }
  if (lists.length === 0) draft.rules.push(rule);
  for (const [index, list] of lists.entries()) {
    draft.rules.push({ ...rule, ...list, name: lists.length === 1 ? rule.name : `${rule.name} list ${index + 1}` });
  }
}

/** `^name` is the name alone. */
function hostOf(entry: string): string {
  return entry.startsWith("^") ? `=${entry.slice(1)}` : entry;
}

/** Batch files name their folder by a variable. */
function pathOf(value: string): string {
  return value.replaceAll("\\", "/").replace(/^%[^%/]*%\/?/u, "");
}
