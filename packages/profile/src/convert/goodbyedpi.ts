// Command lines of GoodbyeDPI.
import type { Kind } from "../notation/kinds.ts";
import { Draft, emptyRule, type DraftRule } from "./draft.ts";
import { optionsOf, wordsOf, type Option } from "./words.ts";

/** Its numbered sets of options, from its own help text. */
const SETS: Readonly<Record<string, string>> = {
  1: "-p -r -s -f 2 -k 2 -n -e 2",
  2: "-p -r -s -f 2 -k 2 -n -e 40",
  3: "-p -r -s -e 40",
  4: "-p -r -s",
  5: "-f 2 -e 2 --auto-ttl --reverse-frag --max-payload",
  6: "-f 2 -e 2 --wrong-seq --reverse-frag --max-payload",
  7: "-f 2 -e 2 --wrong-chksum --reverse-frag --max-payload",
  8: "-f 2 -e 2 --wrong-seq --wrong-chksum --reverse-frag --max-payload",
  9: "-f 2 -e 2 --wrong-seq --wrong-chksum --reverse-frag --max-payload -q",
};
const VALUED = new Set([
  ...["f", "k", "e", "port", "ip-id", "dns-addr", "dns-port", "dnsv6-addr", "dnsv6-port", "blacklist", "whitelist"],
  ...["set-ttl", "auto-ttl", "min-ttl", "max-payload", "fake-from-hex", "fake-with-sni", "fake-gen", "fake-resend"],
]);
const LOST: Readonly<Record<string, string>> = {
  ...{ p: "packets that arrive are not dropped", "ip-id": "packets that arrive are not dropped" },
  ...{
    k: "each request is cut alike",
    n: "the window is not made small",
    a: "it changes how many octets a stream has",
  },
  ...{ "dnsv6-addr": "queries of both families go to one resolver", "dnsv6-port": "as dnsv6-addr" },
  ...{ "dns-verb": "see log.level" },
  ...{ "max-payload": "only messages come up", "allow-no-sni": "a rule with hosts is for these hosts" },
  ...{ "min-ttl": "see the limits of ttl=auto", "fake-gen": "a fake is the message itself", w: "see ports of a rule" },
  ...{ "native-frag": "messages are always cut like that" },
};
const STREAMS: readonly Kind[] = ["tls", "http"];
const DECOY = "www.w3.org";

/** What has no counterpart is noted. */
export function convertGoodbyedpi(text: string): Draft {
  const draft = new Draft();
  const options = optionsOf(wordsOf(text), { valued: VALUED, letters: LETTERS }).flatMap((option) =>
    expand(draft, option),
  );
  const rule = emptyRule("goodbyedpi");
  const of = (name: string) => options.find((option) => option.name === name);
  const again = Math.min(20, Math.max(1, Number(of("fake-resend")?.value ?? 1) || 1));
  const shown = of("fake-with-sni")?.value ?? DECOY;
  const fakes = [...fakeWords(options)];
  for (const { option, fooling } of fakes) {
    for (const kind of STREAMS) {
      const words = [`${kind === "tls" ? "sni" : "host"}=${shown}`, fooling, ...(again > 1 ? [`x${again}`] : [])];
      draft.technique(rule, [kind], `fake(${words.join(", ")})`, option);
    }
  }
  addTricks(draft, rule, options);
  addCuts(draft, rule, options);
  addDns(draft, rule, options);
  addLists(draft, rule, options);
  const done = ["fake-resend", "fake-with-sni"];
  for (const option of options.filter(({ name }) => done.includes(name))) {
    if (fakes.length > 0) draft.became(option.text, "a word beside the fakes");
    else draft.lost(option.text, "there is no fake for it");
  }
  for (const { name, text: option } of options) {
    if (Object.hasOwn(LOST, name)) draft.lost(option, LOST[name] ?? "");
    else if (!KNOWN.includes(name)) draft.lost(option, "bunnel knows no such option");
  }
  return draft;
}

const LETTERS = Object.fromEntries("prsmfkneawq123456789".split("").map((letter) => [letter, letter]));
const KNOWN = [
  ...["dns-addr", "dns-port"],
  ...["r", "s", "m", "f", "e", "q", "reverse-frag", "frag-by-sni", "wrong-seq", "wrong-chksum", "set-ttl", "auto-ttl"],
  ...["blacklist", "whitelist", "port", "fake-resend", "fake-with-sni"],
];

function expand(draft: Draft, option: Option): Option[] {
  const set = Object.hasOwn(SETS, option.name) ? SETS[option.name] : undefined;
  if (set === undefined) return [option];
  draft.became(option.text, set);
  return optionsOf(wordsOf(set), { valued: VALUED, letters: LETTERS });
}

function fakeWords(options: readonly Option[]): { readonly option: string; readonly fooling: string }[] {
  return options.flatMap(({ name, text, value }) => {
    if (name === "wrong-seq") return [{ option: text, fooling: "badseq" }];
    if (name === "wrong-chksum") return [{ option: text, fooling: "badsum" }];
    if (name === "set-ttl") return [{ option: text, fooling: `ttl=${value}` }];
    // "a1-a2-m": a1 is the usual distance before the server, m the largest.
    const [less = "1", , most = "10"] = (value ?? "").split("-");
    return name === "auto-ttl" ? [{ option: text, fooling: `ttl=auto-${less || "1"}:3-${most}` }] : [];
  });
}

function addTricks(draft: Draft, rule: DraftRule, options: readonly Option[]): void {
  const words = { r: "mixed", s: "nospace", m: "domcase" } as const;
  const found = options.filter(({ name }) => Object.hasOwn(words, name));
  if (found.length > 0) {
    const tricks = Object.entries(words).flatMap(([name, word]) =>
      found.some((each) => each.name === name) ? [word] : [],
    );
    draft.technique(rule, ["http"], `httphost(${tricks.join(", ")})`, found.map(({ text }) => text).join(" "));
  }
  for (const { name, text } of options) if (name === "q") draft.technique(rule, ["quic"], "drop", text);
}

function addCuts(draft: Draft, rule: DraftRule, options: readonly Option[]): void {
  const reverse = options.find(({ name }) => name === "reverse-frag");
  const bySni = options.find(({ name }) => name === "frag-by-sni");
  for (const { name, text, value } of options) {
    if (name !== "f" && name !== "e") continue;
    const kind: Kind = name === "f" ? "http" : "tls";
    const point = kind === "tls" && bySni ? "host" : value;
    draft.technique(rule, [kind], `split(${point})${reverse ? " disorder" : ""}`, text);
  }
  if (reverse) draft.became(reverse.text, "disorder");
  if (bySni) draft.became(bySni.text, "split(host)");
}

/** Queries to another resolver. */
function addDns(draft: Draft, rule: DraftRule, options: readonly Option[]): void {
  const address = options.find(({ name }) => name === "dns-addr");
  const port = options.find(({ name }) => name === "dns-port");
  if (address) {
    const to = port === undefined ? address.value : `${address.value}:${port.value}`;
    draft.technique(rule, ["dns"], `redirect(${to})`, [address, port].flatMap((each) => each?.text ?? []).join(" "));
  } else if (port) draft.lost(port.text, "there is no address for it");
}

function addLists(draft: Draft, rule: DraftRule, options: readonly Option[]): void {
  const files = (name: string) => options.filter((option) => option.name === name);
  for (const [index, { text, value = "" }] of files("whitelist").entries()) {
    draft.rules.push({ ...emptyRule(`whitelist ${index + 1}`), isPass: true, hostsFile: value });
    draft.became(text, `rule "whitelist ${index + 1}": pass`);
  }
  const black = files("blacklist");
  for (const { text, value = "" } of black) draft.became(text, `hosts_file = ${value}`);
  for (const { text, value = "" } of files("port")) {
    rule.ports.push(...(rule.ports.length === 0 ? ["80", "443"] : []), value);
    draft.became(text, `ports = [${rule.ports.join(", ")}]`);
  }
  if (black.length === 0) draft.rules.push(rule);
  for (const [index, { value = "" }] of black.entries()) {
    draft.rules.push({ ...rule, name: black.length === 1 ? rule.name : `${rule.name} ${index + 1}`, hostsFile: value });
  }
}
