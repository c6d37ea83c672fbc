// Command lines of SpoofDPI, of version 1 and of those before it.
import { Draft, emptyRule, type DraftRule } from "./draft.ts";
import { optionsOf, wordsOf, type Option } from "./words.ts";

const PROXY = "there is no proxy";
const DNS = "see the keys of [dns]";
const LOST: Readonly<Record<string, string>> = {
  ...{ "listen-addr": PROXY, addr: PROXY, port: PROXY, "listen-port": PROXY, "system-proxy": PROXY, timeout: PROXY },
  ...{ "auto-configure-network": PROXY, "app-mode": PROXY, silent: "see log.level", "no-tui": "there is none" },
  ...{ "dns-port": DNS, "dns-qtype": DNS, "dns-cache": DNS },
  ...{ "dns-ipv4-only": DNS, "cache-shards": DNS, "doh-endpoint": DNS },
  ...{ "policy-auto": "strategies are not chosen while it runs", policy: "rules are written by hand", clean: PROXY },
  ...{ "no-banner": "there is none", config: "give its words instead", "dns-default": DNS, "doh-url": DNS },
};
const VALUED = new Set([
  ...Object.keys(LOST).filter((name) => !/system-proxy|silent|no-|enable|only|cache$|auto|clean/u.test(name)),
  ...["log-level", "default-ttl", "default-fake-ttl", "https-split-mode", "https-chunk-size", "https-fake-count"],
  ...["dns-mode", "dns-https-url", "dns-addr", "dns-port"],
  ...["https-fake-packet", "fake-count", "window-size", "pattern", "https-split-default"],
]);
const LEVELS: Readonly<Record<string, string>> = { trace: "debug", warn: "warning", fatal: "error", panic: "error" };
const DECOY = "www.w3.org";
const TTL = 8;

/** What has no counterpart is noted. */
export function convertSpoofdpi(text: string): Draft {
  const draft = new Draft();
  const options = optionsOf(wordsOf(text), { valued: VALUED });
  const rule = emptyRule("spoofdpi");
  const of = (...names: readonly string[]) => options.find(({ name }) => names.includes(name));
  const ttl = of("default-fake-ttl");
  const count = of("https-fake-count", "fake-count");
  if (count && count.value !== "0") {
    draft.technique(rule, ["tls"], `fake(sni=${DECOY}, ttl=${ttl?.value ?? TTL}, x${count.value})`, count.text);
    if (ttl) draft.became(ttl.text, "a word beside the fake");
  } else if (ttl) draft.lost(ttl.text, "there is no fake for it");
  addCuts(draft, rule, options);
  addDns(draft, rule, options);
  for (const option of options) convertOption(draft, rule, option);
  draft.rules.push(rule);
  return draft;
}

/** Queries over HTTPS, or to another resolver. */
function addDns(draft: Draft, rule: DraftRule, options: readonly Option[]): void {
  const of = (name: string) => options.find((option) => option.name === name);
  const [mode, doh, url, address] = [of("dns-mode"), of("enable-doh"), of("dns-https-url"), of("dns-addr")];
  const https = mode?.value === "https" ? mode : doh;
  if (https) draft.technique(rule, ["dns"], "doh", https.text);
  else if (mode?.value === "udp" && address) {
    draft.technique(rule, ["dns"], `redirect(${address.value})`, `${mode.text} ${address.text}`);
    return;
  } else if (mode) draft.lost(mode.text, "the system's resolver answers where no rule says otherwise");
  if (url && https && /^https:\/\/(?:\[[\da-f:.]+\]|\d+(?:\.\d+){3})[/:]/iu.test(url.value ?? "")) {
    draft.set(url.text, "dns", "upstreams", JSON.stringify([url.value]));
  } else if (url) draft.lost(url.text, "an upstream needs the address of its name: write it into dns.upstreams");
  if (address) draft.lost(address.text, "the system's resolver is not asked where a rule takes queries");
}

function addCuts(draft: Draft, rule: DraftRule, options: readonly Option[]): void {
  const of = (...names: readonly string[]) => options.find(({ name }) => names.includes(name));
  if (of("https-skip")) return draft.lost("--https-skip", "a rule that does nothing is none");
  const mode = of("https-split-mode", "https-split-default");
  const size = of("https-chunk-size", "window-size");
  const disorder = of("https-disorder", "disorder");
  const chunk = mode?.value === "chunk" || (mode === undefined && size?.name === "window-size");
  const behind = disorder ? " disorder" : "";
  const cut = chunk ? chunks(Number(size?.value ?? 0)) : cutOf(mode?.value ?? "sni");
  const said = [mode, size, disorder].flatMap((option) => option?.text ?? []).join(" ") || "(nothing: split mode sni)";
  if (cut === undefined) return draft.lost(said, "where it cuts has no counterpart");
  draft.technique(rule, ["tls"], cut + behind, said);
}

function cutOf(mode: string): string | undefined {
  if (mode === "first-byte") return "split(1)";
  if (mode !== "sni") return undefined;
  const octets = (from: number) => Array.from({ length: 8 }, (_, i) => (from + i === 0 ? "host" : `host+${from + i}`));
  return `split(${octets(0).join(", ")}) split(${octets(8).join(", ")})`;
}

/** Eight cuts are most of what one technique takes. */
function chunks(size: number): string | undefined {
  if (!Number.isInteger(size) || size < 1) return undefined;
  return `split(${Array.from({ length: 8 }, (_, i) => size * (i + 1)).join(", ")})`;
}

const DONE = [
  ...["https-fake-count", "fake-count", "default-fake-ttl", "https-split-mode", "https-split-default"],
  ...["https-chunk-size", "window-size", "https-disorder", "disorder", "https-skip"],
  ...["dns-mode", "enable-doh", "dns-https-url", "dns-addr"],
];

function convertOption(draft: Draft, rule: DraftRule, { name, text, value = "" }: Option): void {
  if (DONE.includes(name)) return;
  if (name === "log-level") draft.set(text, "log", "level", JSON.stringify(LEVELS[value] ?? value));
  else if (name === "debug") draft.set(text, "log", "level", '"debug"');
  else if (name === "default-ttl" && value !== "0") draft.technique(rule, ["tls"], `ttl(${value})`, text);
  else if (name === "https-fake-packet") draft.lost(text, "a fake is the message itself with another name");
  else if (name === "pattern") draft.lost(text, "hosts are named, not described: write them into hosts");
  else draft.lost(text, LOST[name] ?? "bunnel knows no such option");
}
