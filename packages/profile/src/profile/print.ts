// A profile to text. Every key is written, so that the text says the same under any later default.
import { printStrategy } from "../notation/printer.ts";
import { PRESET_PREFIX, presetStrategy } from "../presets.ts";
import type { PortRange, Profile, Rule } from "./profile.ts";
import { proxyEntries, streamEntries } from "./stream-settings.ts";

/** A list that would make a longer line gets one line per entry. */
const LINE_MAX = 100;

/** The profile as TOML; `parseProfile` reads it back to an equal profile, from the same files where it names some. */
export function printProfile(profile: Profile): string {
  const { version, interception, device, limits, stream, proxy, payloads, rules } = profile;
  const head = [["version", String(version)]] as [string, string][];
  // Without rules in the text there would be the default ones.
  if (rules.length === 0) head.push(["rule", "[]"]);
  const parts = [
    lines(head),
    table("[interception]", [
      ["method", quoted(interception.method)],
      ["uplinks", list("uplinks", interception.uplinks.map(quoted))],
      ["exclude", list("exclude", interception.exclude.map(quoted))],
    ]),
    table("[device]", [
      ["name", quoted(device.name)],
      ["address", quoted(device.address)],
      ["netmask", quoted(device.netmask)],
      ["mtu", String(device.mtuBytes)],
    ]),
    table("[limits]", [
      ["max_flows", String(limits.maxFlows)],
      ["max_queue_size", String(limits.maxQueueSize)],
      ["flow_timeout_seconds", String(limits.flowTimeoutSeconds)],
    ]),
    table("[stream]", streamEntries(stream)),
    table("[proxy]", proxyEntries(proxy)),
    table(
      "[payload]",
      Object.entries(payloads).map(([name, { text }]) => [/^[\w-]+$/.test(name) ? name : quoted(name), quoted(text)]),
    ),
    ...rules.map(printRule),
  ];
  return `${parts.join("\n\n")}\n`;
}

function printRule(rule: Rule): string {
  return table("[[rule]]", [
    ["name", quoted(rule.name)],
    ["enabled", String(rule.enabled)],
    ["priority", String(rule.priority)],
    ["hosts", list("hosts", rule.hosts.map(quoted))],
    ["hosts_file", quoted(rule.hostsFile?.path ?? "")],
    ["addresses", list("addresses", rule.addresses.map(quoted))],
    ["addresses_file", quoted(rule.addressesFile?.path ?? "")],
    ["ports", list("ports", rule.ports.map(printPorts))],
    ["families", list("families", rule.families.map(quoted))],
    ["direction", quoted(rule.direction)],
    ["packets", rule.packets ? `[${rule.packets.first}, ${rule.packets.last}]` : "[]"],
    ["egress", quoted(rule.egress)],
    ["strategy", quoted(ruleStrategyText(rule))],
  ]);
}

/** `preset:name` where the rule still has that preset's strategy, else the strategy itself. */
export function ruleStrategyText({ strategy, preset }: Rule): string {
  const text = printStrategy(strategy);
  if (preset === undefined) return text;
  const known = presetStrategy(preset);
  return known && printStrategy(known) === text ? PRESET_PREFIX + preset : text;
}

function printPorts({ first, last }: PortRange): string {
  return first === last ? String(first) : quoted(`${first}-${last}`);
}

function table(header: string, entries: readonly (readonly [string, string])[]): string {
  return entries.length === 0 ? header : `${header}\n${lines(entries)}`;
}

function lines(entries: readonly (readonly [string, string])[]): string {
  return entries.map(([key, value]) => `${key} = ${value}`).join("\n");
}

function list(key: string, items: readonly string[]): string {
  const line = `[${items.join(", ")}]`;
  if (key.length + 3 + line.length <= LINE_MAX) return line;
  return `[\n${items.map((item) => `  ${item},\n`).join("")}]`;
}

/** A TOML basic string. JSON escapes all that TOML wants escaped but DEL, which no value of a profile can hold. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
