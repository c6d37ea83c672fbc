// Command lines of ciadpi (byedpi). Groups behind `--auto` are for when an attempt failed; the first with techniques
// becomes a rule.
import type { Kind } from "../notation/kinds.ts";
import { Draft, emptyRule, type DraftRule } from "./draft.ts";
import { optionsOf, portsOf, wordsOf, type Option } from "./words.ts";

const LETTERS: Readonly<Record<string, string>> = {
  ...{ i: "ip", p: "port", c: "max-conn", I: "conn-ip", b: "buf-size", g: "def-ttl", N: "no-domain", U: "no-udp" },
  ...{ F: "tfo", A: "auto", u: "cache-ttl", T: "timeout", K: "proto", H: "hosts", j: "ipset", V: "pf", R: "round" },
  ...{ s: "split", d: "disorder", o: "oob", q: "disoob", f: "fake", t: "ttl", k: "ip-opt", S: "md5sig" },
  ...{ O: "fake-offset", l: "fake-data", e: "oob-data", n: "fake-sni", M: "mod-http", r: "tlsrec", m: "tlsminor" },
  ...{ a: "udp-fake", Y: "drop-sack", D: "daemon", w: "pidfile", E: "transparent", x: "debug", Q: "fake-tls-mod" },
};
const UNVALUED = ["no-domain", "no-udp", "tfo", "md5sig", "drop-sack", "daemon", "transparent"];
const TECHNIQUES = ["split", "disorder", "oob", "disoob", "fake", "tlsrec", "udp-fake", "mod-http"];
const STREAM = "it changes how many octets a stream has, which packets cannot carry";
const LOST: Readonly<Record<string, string>> = {
  ...{ ip: "there is no proxy", port: "there is no proxy", "max-conn": "there is no proxy", "conn-ip": "as ip" },
  ...{ "buf-size": "there is no proxy", "no-domain": "there is no proxy", "no-udp": "UDP is not carried" },
  ...{ transparent: "there is no proxy", daemon: "a service manager does that", pidfile: "as daemon" },
  ...{
    tfo: "the applications' own sockets decide",
    "cache-ttl": "see auto",
    timeout: "see auto",
    debug: "see log.level",
  },
  ...{ oob: STREAM, disoob: STREAM, tlsrec: STREAM, "oob-data": STREAM, tlsminor: "the record is not changed" },
  ...{
    "ip-opt": "fakes have no IP options",
    "drop-sack": "answers are not seen",
    round: "each message is judged alike",
  },
  ...{ "fake-offset": "a fake is as long as the message", "fake-tls-mod": "see fake" },
};
/** What ciadpi sends a fake with for which nothing is said. */
const TTL = 8;

/** What has no counterpart is noted. */
export function convertByedpi(text: string): Draft {
  const draft = new Draft();
  const valued = new Set(Object.values(LETTERS).filter((name) => !UNVALUED.includes(name)));
  const options = optionsOf(wordsOf(text), { valued, letters: LETTERS }).map(named);
  const groups: Option[][] = [[]];
  for (const option of options) {
    if (option.name === "auto") groups.push([option]);
    else groups.at(-1)?.push(option);
  }
  const acts = (group: readonly Option[]) => group.some(({ name }) => TECHNIQUES.includes(name));
  const chosen = Math.max(0, groups.findIndex(acts));
  for (const [index, group] of groups.entries()) {
    if (index === chosen) convertGroup(draft, group);
    else if (index < chosen) for (const option of group) noteLost(draft, option);
    else draft.lost(group.map((option) => option.text).join(" "), "another attempt after a failure is not made");
  }
  return draft;
}

/** An older name of the same. */
function named(option: Option): Option {
  return option.name === "tls-sni" ? { ...option, name: "fake-sni" } : option;
}

function noteLost(draft: Draft, { name, text }: Option): void {
  const why = name === "auto" ? "the first attempt is made like this at once" : LOST[name];
  draft.lost(text, why ?? "bunnel knows no such option");
}

function convertGroup(draft: Draft, group: readonly Option[]): void {
  const rule = emptyRule("byedpi");
  const value = (name: string) => group.find((option) => option.name === name)?.value;
  const streams = kindsOf(draft, group, rule);
  addFakes(draft, rule, streams, group, { ttl: value("ttl"), sni: value("fake-sni") });
  const cuts = group.filter(({ name }) => name === "split" || name === "disorder" || name === "fake");
  const turned = group.some(({ name }) => name === "disorder" || name === "fake");
  for (const kind of streams) {
    const points = [...new Set(cuts.flatMap((option) => pointsOf(option.value ?? "", kind)))].slice(0, 8);
    if (points.length === 0) continue;
    const technique = `split(${points.join(", ")})${turned ? " disorder" : ""}`;
    draft.technique(rule, [kind], technique, cuts.map(({ text }) => text).join(" "));
  }
  const skip = [
    ...TECHNIQUES.slice(0, 2),
    "fake",
    "ttl",
    "fake-sni",
    "md5sig",
    "fake-data",
    "proto",
    "hosts",
    "ipset",
    "pf",
  ];
  for (const option of group) {
    if (option.name === "udp-fake")
      draft.technique(rule, ["quic"], `fake(zeros, ttl=${TTL}, x${option.value})`, option.text);
    else if (option.name === "mod-http") addHostTricks(draft, rule, option);
    else if (option.name === "def-ttl") draft.technique(rule, streams, `ttl(${option.value})`, option.text);
    else if (!skip.includes(option.name)) noteLost(draft, option);
  }
  draft.rules.push(rule);
}

function kindsOf(draft: Draft, group: readonly Option[], rule: DraftRule): readonly Kind[] {
  let kinds: readonly Kind[] = ["tls", "http"];
  for (const { name, text, value = "" } of group) {
    if (name === "proto") {
      const letters = value.split(",").map((word) => word.slice(0, 1));
      kinds = kinds.filter((kind) => letters.includes(kind.slice(0, 1)));
      draft.became(text, `clauses for ${kinds.join(", ") || "none"}`);
    } else if (name === "hosts" || name === "ipset") {
      const key = name === "hosts" ? "hosts" : "addresses";
      if (value.startsWith(":")) rule[key].push(...value.slice(1).trim().split(/\s+/u));
      else rule[`${key}File`] = value;
      draft.became(text, value.startsWith(":") ? key : `${key}_file`);
    } else if (name === "pf") {
      rule.ports.push(...portsOf(value));
      draft.became(text, `ports = [${rule.ports.join(", ")}]`);
    }
  }
  return kinds;
}

interface FakeWords {
  readonly ttl: string | undefined;
  readonly sni: string | undefined;
}

function addFakes(
  draft: Draft,
  rule: DraftRule,
  kinds: readonly Kind[],
  group: readonly Option[],
  { ttl, sni }: FakeWords,
): void {
  const md5 = group.find(({ name }) => name === "md5sig");
  const data = group.find(({ name }) => name === "fake-data");
  const [fake] = group.filter(({ name }) => name === "fake");
  for (const option of group.filter(({ name }) => ["ttl", "fake-sni", "md5sig", "fake-data"].includes(name))) {
    if (fake) draft.became(option.text, "a word beside the fake");
    else draft.lost(option.text, "there is no fake for it");
  }
  if (!fake) return;
  const isFile = data?.value !== undefined && !data.value.startsWith(":");
  const fooling = md5 ? ["md5sig"] : [`ttl=${ttl ?? TTL}`];
  for (const kind of kinds) {
    const content = isFile
      ? `file=${draft.payload(data.value ?? "")}`
      : `${kind === "tls" ? "sni" : "host"}=${sni ?? "www.wikipedia.org"}`;
    draft.technique(rule, [kind], `fake(${[content, ...fooling].join(", ")})`, fake.text);
  }
}

/** `off[:repeats:skip][+s|+h|+n[e|m]]`: places as the notation has them; none where the kind has no such place. */
function pointsOf(position: string, kind: Kind): readonly string[] {
  const [, offset = "", repeats = "1", skip = "1", flag = "", end = ""] =
    /^(-?\d+)(?::(\d+))?(?::(\d+))?(?:\+([shn])([em]?))?$/u.exec(position) ?? [];
  if (offset === "" || (flag === "s" && kind !== "tls") || (flag === "h" && kind !== "http")) return [];
  const marker = flag === "" || flag === "n" ? "" : end === "e" ? "endhost" : end === "m" ? "midsld" : "host";
  return Array.from({ length: Math.min(8, Number(repeats)) }, (_, index) => {
    const at = Number(offset) + index * Number(skip);
    if (marker === "") return String(at === 0 ? 1 : at);
    return at === 0 ? marker : `${marker}${at > 0 ? "+" : ""}${at}`;
  });
}

function addHostTricks(draft: Draft, rule: DraftRule, { text, value = "" }: Option): void {
  const words = value.split(",").map((word) => word.slice(0, 1));
  const tricks = { h: "mixed", d: "domcase", r: "nospace" } as const;
  const found = Object.entries(tricks).flatMap(([letter, trick]) => (words.includes(letter) ? [trick] : []));
  draft.technique(rule, ["http"], `httphost(${found.join(", ")})`, text);
}
