// Profiles of turkeydpi, in TOML or JSON.
import { parse as parseToml } from "smol-toml";
import type { Kind } from "../notation/kinds.ts";
import { printClause } from "../notation/printer.ts";
import { ProfileError } from "../errors.ts";
import { presetStrategy } from "../presets.ts";
import { Draft, emptyRule, type DraftRule } from "./draft.ts";

type Table = Readonly<Record<string, unknown>>;

const STREAMS: readonly Kind[] = ["tls", "http"];
const LEVELS: Readonly<Record<string, string>> = { warn: "warning", trace: "debug" };
/** Its limits and ours, by name. */
const LIMITS: Readonly<Record<string, string>> = {
  ...{ max_flows: "max_flows", max_queue_size: "max_queue_size", max_memory_mb: "max_memory_mb" },
  ...{ max_jitter_ms: "max_jitter_ms", flow_timeout_secs: "flow_timeout_seconds", log_rate_limit: "log_rate_limit" },
};
const DEVICE: Readonly<Record<string, string>> = {
  device_name: "name",
  mtu: "mtu",
  address: "address",
  netmask: "netmask",
};

/** @throws ProfileError E_PROFILE_SYNTAX when the text is neither TOML nor JSON */
export function convertTurkeydpi(text: string): Draft {
  const values = readTable(text);
  const draft = new Draft();
  const engine = tableOf(values["engine_config"] ?? values["engine"] ?? {});
  const root = { ...engine, ...values };
  for (const [key, value] of Object.entries(tableOf(root["global"]))) convertGlobal(draft, key, value);
  for (const [key, value] of Object.entries(tableOf(root["limits"]))) {
    const name = Object.hasOwn(LIMITS, key) ? LIMITS[key] : undefined;
    if (name === undefined) draft.lost(`limits.${key}`, "bunnel knows no such limit");
    else draft.set(`limits.${key}`, "limits", name, tomlOf(value));
  }
  convertBackend(draft, root);
  const transforms = tableOf(root["transforms"]);
  const rules = Array.isArray(root["rules"]) ? root["rules"] : [];
  for (const [index, rule] of rules.entries()) convertRule(draft, tableOf(rule), transforms, index);
  if (typeof root["preset"] === "string") convertPreset(draft, root["preset"]);
  return draft;
}

function readTable(text: string): Table {
  const isJson = text.trimStart().startsWith("{");
  try {
    return (isJson ? JSON.parse(text) : parseToml(text)) as Table;
  } catch (cause) {
    // What is behind the first line of such an error is the text again, with an arrow in it.
    const [why = ""] = String(cause instanceof Error ? cause.message : cause).split("\n");
    const message = `not ${isJson ? "JSON" : "TOML"}: ${why}`;
    throw new ProfileError("E_PROFILE_SYNTAX", [{ message }], "settings", { cause });
  }
}

function convertGlobal(draft: Draft, key: string, value: unknown): void {
  const option = `global.${key} = ${JSON.stringify(value)}`;
  if (key === "enabled") draft.set(option, "", "enabled", tomlOf(value));
  else if (key === "log_level") draft.set(option, "log", "level", tomlOf(LEVELS[String(value)] ?? value));
  else if (key === "json_logging") draft.set(option, "log", "format", value === true ? '"json"' : '"human"');
  else if (key.startsWith("enable_"))
    draft.lost(option, "rules say what is done; one that is not wanted is switched off");
  else draft.lost(option, "bunnel knows no such key");
}

function convertBackend(draft: Draft, root: Table): void {
  const settings = tableOf(root["backend"] ?? root["settings"]);
  const tun = tableOf(settings["Tun"] ?? settings["tun"] ?? root["tun"]);
  for (const [key, value] of Object.entries(tun)) {
    const name = Object.hasOwn(DEVICE, key) ? DEVICE[key] : undefined;
    if (name === undefined || value === null) draft.lost(`tun.${key}`, "bunnel knows no such key");
    else draft.set(`tun.${key}`, "device", name, tomlOf(value));
  }
  if (root["max_queue_size"] !== undefined) {
    draft.set("max_queue_size", "limits", "max_queue_size", tomlOf(root["max_queue_size"]));
  }
  const proxy = tableOf(settings["Proxy"] ?? settings["proxy"] ?? root["proxy"]);
  for (const key of Object.keys(proxy)) draft.lost(`proxy.${key}`, "there is no proxy");
}

function convertPreset(draft: Draft, name: string): void {
  if (presetStrategy(name) === undefined) return draft.lost(`preset = "${name}"`, "there is no preset of this name");
  const rule = emptyRule(name);
  for (const clause of presetStrategy(name)?.clauses ?? []) {
    // Written out, so that it can be changed by hand.
    if (clause.operations.length > 0) rule.clauses.set(clause.kind, [printClause(clause).replace(/^\w+: /u, "")]);
  }
  rule.isPass = rule.clauses.size === 0;
  draft.became(`preset = "${name}"`, `what preset:${name} does`);
  draft.rules.push(rule);
}

function convertRule(draft: Draft, values: Table, transforms: Table, index: number): void {
  const name = typeof values["name"] === "string" && values["name"] !== "" ? values["name"] : `rule ${index + 1}`;
  const rule = emptyRule(name);
  rule.priority = typeof values["priority"] === "number" ? values["priority"] : 0;
  const option = (key: string) => `rules[${index}].${key}`;
  if (values["enabled"] === false) return draft.lost(option("enabled"), "a rule that is switched off is left out");
  const kinds = convertCriteria(draft, rule, tableOf(values["match_criteria"] ?? values["match"]), option);
  for (const transform of textsOf(values["transforms"])) {
    convertTransform(
      draft,
      rule,
      kinds,
      transform,
      tableOf(transforms[transform]),
      option(`transforms "${transform}"`),
    );
  }
  if (values["overrides"] !== undefined) draft.lost(option("overrides"), "it never had an effect there");
  draft.rules.push(rule);
}

function convertCriteria(
  draft: Draft,
  rule: DraftRule,
  criteria: Table,
  option: (key: string) => string,
): readonly Kind[] {
  let kinds: readonly Kind[] = [...STREAMS, "quic"];
  for (const [key, value] of Object.entries(criteria)) {
    const said = option(`match_criteria.${key}`);
    const texts = textsOf(value);
    if (value === null || (Array.isArray(value) && value.length === 0)) continue;
    if (key === "dst_ip") rule.addresses.push(...texts);
    else if (key === "dst_ports") rule.ports.push(...texts.map((port) => port.replace(":", "-")));
    else if (key === "domains") rule.hosts.push(...texts.map((host) => host.replace(/^\*\./u, "")));
    else if (key === "protocols") kinds = kinds.filter((kind) => texts.includes(kind === "quic" ? "udp" : "tcp"));
    else {
      const split = key === "process" ? "see processes of [include]" : "senders have no rules: see users of [include]";
      draft.lost(said, key === "src_ports" ? "a connection's own port says nothing" : split);
      continue;
    }
    draft.became(said, texts.join(", "), key === "domains" ? "there it was accepted and never matched" : undefined);
  }
  return kinds;
}

function convertTransform(
  draft: Draft,
  rule: DraftRule,
  kinds: readonly Kind[],
  transform: string,
  values: Table,
  option: string,
): void {
  const streams = kinds.filter((kind) => STREAMS.includes(kind));
  const number = (key: string, otherwise: number) => (typeof values[key] === "number" ? values[key] : otherwise);
  if (transform === "fragment") {
    const at = number("split_at_offset", 0);
    draft.technique(rule, streams, at > 0 ? `split(${at}, midsld)` : "split(1, midsld)", option);
  } else if (transform === "resegment") {
    const size = number("segment_size", 16);
    const cuts = Array.from({ length: Math.min(8, number("max_segments", 8)) }, (_, i) => size * (i + 1));
    draft.technique(rule, streams, `split(${cuts.join(", ")})`, option);
  } else if (transform === "jitter") {
    const [least, most] = [Math.max(1, number("min_ms", 0)), number("max_ms", 50)];
    draft.technique(rule, kinds, `delay(${least}, jitter=${Math.max(0, most - least)})`, option);
  } else if (transform === "decoy") {
    draft.technique(rule, streams, `fake(ttl=${number("ttl", 1)})`, option);
  } else draft.lost(option, "it broke the stream there, and is not done here");
}

function tableOf(value: unknown): Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function textsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]).map(String);
}

function tomlOf(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
