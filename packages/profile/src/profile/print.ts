// A profile to text. Every key is written, so that the text says the same under any later default.
import { printStrategy } from "../notation/printer.ts";
import { PRESET_PREFIX, presetStrategy } from "../presets.ts";
import { printDns } from "./dns-section.ts";
import { memoryEntries } from "./memory-section.ts";
import { lines, list, printPorts, quoted, table } from "./print-words.ts";
import type { Profile, Rule } from "./profile.ts";
import { printService } from "./service-section.ts";
import { printScope } from "./split-section.ts";
import { proxyEntries, streamEntries } from "./stream-settings.ts";

/** The profile as TOML; `parseProfile` reads it back to an equal profile, from the same files where it names some. */
export function printProfile(profile: Profile): string {
  const { version, enabled, interception, gateway, device, limits, dns, stream, proxy, payloads, rules } = profile;
  const head: [string, string][] = [
    ["version", String(version)],
    ["enabled", String(enabled)],
  ];
  // Without rules in the text there would be the default ones.
  if (rules.length === 0) head.push(["rule", "[]"]);
  const parts = [
    lines(head),
    ...printService(profile),
    table("[interception]", [
      ["method", quoted(interception.method)],
      ["uplinks", list("uplinks", interception.uplinks.map(quoted))],
      ["exclude", list("exclude", interception.exclude.map(quoted))],
      ["kill_switch", String(interception.killSwitch)],
    ]),
    table("[gateway]", [["interfaces", list("interfaces", gateway.interfaces.map(quoted))]]),
    table("[device]", [
      ["name", quoted(device.name)],
      ["address", quoted(device.address)],
      ["netmask", quoted(device.netmask)],
      ["mtu", String(device.mtuBytes)],
      ["offload", String(device.offload)],
      ["queues", String(device.queues)],
      ["pump", quoted(device.pump)],
    ]),
    table("[limits]", [
      ["max_flows", String(limits.maxFlows)],
      ["max_queue_size", String(limits.maxQueueSize)],
      ["flow_timeout_seconds", String(limits.flowTimeoutSeconds)],
      ["max_memory_mb", String(limits.maxMemoryMb)],
      ["max_jitter_ms", String(limits.maxJitterMs)],
      ["log_rate_limit", String(limits.logRateLimit)],
    ]),
    printScope("[include]", profile.include),
    printScope("[exclude]", profile.exclude),
    printDns(dns),
    table("[memory]", memoryEntries(profile.memory)),
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
    ["carries", list("carries", rule.carries.map(quoted))],
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
