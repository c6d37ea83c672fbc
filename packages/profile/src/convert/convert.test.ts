import { describe, expect, test } from "bun:test";
import { parseProfile } from "../profile/parse.ts";
import { ruleStrategyText } from "../profile/print.ts";
import type { Profile } from "../profile/profile.ts";
import { strategies } from "../presets.ts";
import { convertProfile, type ForeignFormat } from "./convert.ts";
import { wordsOf } from "./words.ts";

/** The profile, with empty lists for files that are named. */
function converted(text: string, format?: ForeignFormat): Profile {
  const load = (path: string) => (/\.(?:txt|lst|gz)$/u.test(path) ? new Uint8Array(0) : Uint8Array.of(1));
  return parseProfile(convertProfile(text, format).text, { load });
}

function strategiesOf(text: string, format?: ForeignFormat): string[] {
  return converted(text, format).rules.map(ruleStrategyText);
}

/** Notes on options that nothing stands for. */
function lost(text: string, format?: ForeignFormat): string[] {
  return convertProfile(text, format).notes.flatMap(({ option, became }) => (became === undefined ? [option] : []));
}

function preset(name: string): string {
  return strategies().find((each) => each.name === name)?.strategy ?? "";
}

describe("convertProfile() of zapret", () => {
  test("the config that it ships with becomes our strategy of that name", () => {
    const line =
      "nfqws --qnum=200 --filter-tcp=80 --dpi-desync=fake,multisplit --dpi-desync-split-pos=method+2 " +
      "--dpi-desync-fooling=md5sig --new --filter-tcp=443 --dpi-desync=fake,multidisorder " +
      "--dpi-desync-split-pos=1,midsld --dpi-desync-fooling=badseq,md5sig --new --filter-udp=443 " +
      "--dpi-desync=fake --dpi-desync-repeats=6";
    const profile = converted(line);
    expect(profile.rules.map(({ ports }) => ports)).toEqual(
      [80, 443, 443].map((port) => [{ first: port, last: port }]),
    );
    const [http, tls, quic] = profile.rules.map(ruleStrategyText);
    expect(http).toContain("http: fake(host=www.iana.org, md5sig) split(method+2)");
    expect(`${tls}  http: fake(host=www.iana.org, md5sig) split(method+2)  ${quic}`).toBe(preset("zapret-default"));
    expect(lost(line)).toEqual(["--qnum=200"]);
  });

  test("lists, ports, payloads and what is excluded", () => {
    const line =
      'winws.exe --wf-tcp=80,443 --filter-tcp=443 --hostlist="%LISTS%list-general.txt" ' +
      '--hostlist-exclude="%LISTS%list-exclude.txt" --ipset-exclude-ip=203.0.113.0/24 --dpi-desync=multisplit ^\n' +
      "--dpi-desync-split-seqovl=681 --dpi-desync-split-pos=1 " +
      '--dpi-desync-split-seqovl-pattern="%BIN%tls_clienthello_www_google_com.bin" --new ' +
      "--filter-l3=ipv6 --filter-tcp=80,8000-8100 --hostlist-domains=example.org,^www.example.net " +
      "--dpi-desync=fakedsplit --dpi-desync-ttl=4";
    const profile = converted(line);
    expect(profile.payloads).toEqual({
      tls_clienthello_www_google_com: { text: "file:tls_clienthello_www_google_com.bin", hex: "01" },
    });
    const [names, addresses, general, byName] = profile.rules;
    expect(names).toMatchObject({ hostsFile: { path: "list-exclude.txt" }, ports: [{ first: 443, last: 443 }] });
    expect(addresses).toMatchObject({ addresses: ["203.0.113.0/24"] });
    expect([names, addresses].map((rule) => rule && ruleStrategyText(rule))).toEqual(["pass", "pass"]);
    expect(general).toMatchObject({ hostsFile: { path: "list-general.txt" } });
    expect(general && ruleStrategyText(general)).toBe(
      "tls: split(1) seqovl(681, pattern=tls_clienthello_www_google_com)",
    );
    expect(byName).toMatchObject({ families: ["ipv6"], hosts: ["example.org", "=www.example.net"] });
    expect(byName && ruleStrategyText(byName)).toContain("fakedsplit(2, ttl=4)");
    expect(lost(line)).toEqual(["--wf-tcp=80,443"]);
  });

  test.each([
    [
      "--dpi-desync=hostfakesplit --dpi-desync-hostfakesplit-mod=host=ya.ru --dpi-desync-fooling=ts",
      "tls: hostfakesplit(host=ya.ru, ts)",
    ],
    [
      "--filter-udp=443 --dpi-desync=fake --dpi-desync-fake-quic=0x00 --dpi-desync-repeats=11",
      "quic: fake(zeros, x11)",
    ],
    [
      "--filter-tcp=443 --dpi-desync=fake --dpi-desync-fake-tls-mod=dupsid,sni=www.example.org --dpi-desync-autottl=-2",
      "tls: fake(tls, sni=www.example.org, dupsid, ttl=auto-2)",
    ],
    [
      "--filter-tcp=443 --dpi-desync=multidisorder --dpi-desync-split-pos=2 --dpi-desync-split-seqovl=1",
      "tls: split(2) seqovl(1, second) disorder",
    ],
    ["--filter-tcp=80 --hostcase --dpi-desync=none", "http: httphost(case)"],
    ["--filter-tcp=443 --dpi-desync=none --wssize=1:6", "syn: window(1, scale=6)"],
    ["--filter-tcp=443 --dpi-desync=ipfrag2 --dpi-desync-ipfrag-pos-tcp=32", "tls: ipfrag(32)"],
    ["--filter-udp=443 --dpi-desync=udplen --dpi-desync-udplen-increment=8", "quic: udplen(+8)"],
  ])("%s", (line, strategy) => {
    expect(strategiesOf(line, "zapret").join("  ")).toContain(strategy);
  });

  test.each([
    ["badseq --dpi-desync-badseq-increment=-20000", ["badseq=-20000", "badseq=-20000"]],
    ["badseq --dpi-desync-badseq-increment=2", ["badseq", "badseq takes -1073741824 to -10000: with 2 a server"]],
    ["badseq --dpi-desync-badseq-increment=0x80000000", ["badseq", "badseq takes -1073741824 to -10000: with 0x8"]],
    ["ts,hopbyhop --dpi-desync-ts-increment=-100", ["ts", "ts takes -2000000000 to -10000: with -100 a server"]],
    ["ts --dpi-desync-ts-increment=-700000", ["ts=-700000", "ts=-700000"]],
    ["md5sig --dpi-desync-ts-increment=-700000", ["md5sig", "it says nothing without ts"]],
  ])("a fooling and its number: %s", (foolings, [fooling = "", number = ""]) => {
    const line = `--filter-tcp=443 --dpi-desync=fake --dpi-desync-fooling=${foolings}`;
    const { notes } = convertProfile(line, "zapret");
    const told = new Map(notes.map(({ option, became, why }) => [option, became ?? why]));
    const [first = "", second = ""] = line.split(" ").slice(2);
    expect(told.get(first)).toBe(fooling);
    expect(told.get(second)).toStartWith(number);
    expect(notes.find(({ option }) => option === first)?.why).toBe(
      first.includes("hopbyhop") ? "without hopbyhop" : undefined,
    );
    expect(strategiesOf(line, "zapret").join()).toContain(`, ${fooling})`);
  });

  test("what packets cannot carry, or nobody knows, is told", () => {
    const line =
      "--filter-tcp=443 --dpi-desync=fake --methodeol --dpi-desync-any-protocol --what=1 --hostlist-auto=a.txt " +
      "--dpi-desync-autottl=x";
    const { notes } = convertProfile(line, "zapret");
    const why = Object.fromEntries(notes.map((note) => [note.option, note.became ?? note.why]));
    expect(why["--methodeol"]).toContain("it changes how many octets");
    expect(why["--dpi-desync-autottl=x"]).toContain("expected a delta");
    expect(why["--what=1"]).toBe("bunnel knows no such option");
    expect(why["--hostlist-auto=a.txt"]).toBe("lists do not grow by themselves");
    // A fake that nothing keeps from the server would be read by it.
    expect(why["--dpi-desync=fake"]).toContain("expected");
  });
});

describe("convertProfile() of byedpi", () => {
  test.each([
    ["ciadpi -d1 -s3+s -s6+s", "tls: split(1, host+3, host+6) disorder  http: split(1) disorder"],
    [
      "ciadpi --fake -1 --ttl 5 --tls-sni=www.example.org -K t",
      "tls: fake(sni=www.example.org, ttl=5) split(-1) disorder",
    ],
    ["ciadpi -f1 -S -Kh", "http: fake(host=www.wikipedia.org, md5sig) split(1) disorder"],
    ["ciadpi -s 1:3:5+s -Kt", "tls: split(host+1, host+6, host+11)"],
    ["ciadpi -d1+sm -Kt -a1", "tls: split(midsld+1) disorder  quic: fake(zeros, ttl=8)"],
    ["ciadpi -Mh,d,r", "http: httphost(mixed, nospace, domcase)"],
  ])("%s", (line, strategy) => {
    expect(strategiesOf(line, "byedpi")).toEqual([strategy]);
  });

  test("lists and ports, the first group with techniques, and what packets cannot carry", () => {
    const line = "ciadpi -p 1080 -A torst -H hosts.txt -V443 -d1 -o1 -r1+s -A torst -s1";
    const [rule] = converted(line).rules;
    expect(rule).toMatchObject({ hostsFile: { path: "hosts.txt" }, ports: [{ first: 443, last: 443 }] });
    expect(lost(line)).toEqual(["-p 1080", "-A torst", "-o1", "-r1+s", "-A torst -s1"].toSorted(() => 0));
  });
});

describe("convertProfile() of GoodbyeDPI", () => {
  test("its default becomes our strategy of that name", () => {
    expect(strategiesOf("goodbyedpi.exe -9")).toEqual([preset("goodbyedpi-9")]);
  });

  test.each([
    [
      "-5",
      "tls: fake(sni=www.w3.org, ttl=auto-1:3-10) split(2) disorder  http: fake(host=www.w3.org, ttl=auto-1:3-10)",
    ],
    ["-r -s -e 40", "tls: split(40)  http: httphost(mixed, nospace)"],
    [
      "--set-ttl 4 --fake-with-sni www.example.org --fake-resend 3 -e 1 --frag-by-sni",
      "tls: fake(sni=www.example.org, ttl=4, x3) split(host)",
    ],
  ])("%s", (words, strategy) => {
    expect(strategiesOf(words, "goodbyedpi").join()).toContain(strategy);
  });

  test("lists, and what is about packets that arrive", () => {
    const line =
      "goodbyedpi.exe -p -q --blacklist list.txt --whitelist white.txt --dns-addr 203.0.113.53 --dns-port 1253";
    const [white, black] = converted(line).rules;
    expect([white?.hostsFile?.path, black?.hostsFile?.path]).toEqual(["white.txt", "list.txt"]);
    expect(lost(line)).toEqual(["-p"]);
    expect(black && ruleStrategyText(black)).toContain("dns: redirect(203.0.113.53:1253)");
  });
});

describe("convertProfile() of SpoofDPI", () => {
  test("what it does by itself becomes our strategy of that name", () => {
    expect(strategiesOf("spoofdpi")).toEqual([preset("spoofdpi-default")]);
  });

  test.each([
    [
      "--https-split-mode chunk --https-chunk-size 5 --https-disorder",
      "tls: split(5, 10, 15, 20, 25, 30, 35, 40) disorder",
    ],
    ["--https-split-mode=first-byte --https-fake-count 7", "tls: fake(sni=www.w3.org, ttl=8, x7) split(1)"],
    ["-window-size 1 -enable-doh -system-proxy", "tls: split(1, 2, 3, 4, 5, 6, 7, 8)  dns: doh"],
    [
      "--https-split-mode first-byte --dns-mode udp --dns-addr 203.0.113.53:53",
      "tls: split(1)  dns: redirect(203.0.113.53)",
    ],
  ])("%s", (words, strategy) => {
    expect(strategiesOf(words, "spoofdpi")).toEqual([strategy]);
  });

  test("the log's level, and what belongs to a proxy", () => {
    const line =
      "spoofdpi --log-level warn --listen-addr 127.0.0.1:8080 --dns-mode https --dns-https-url https://203.0.113.53/q";
    const { log, dns, rules } = converted(line);
    expect(log.level).toBe("warning");
    expect(dns.upstreams).toEqual([{ url: "https://203.0.113.53/q", addresses: [] }]);
    expect(rules.map(ruleStrategyText).join()).toContain("dns: doh");
    expect(lost(line)).toEqual(["--listen-addr 127.0.0.1:8080"]);
  });
});

describe("convertProfile() of turkeydpi", () => {
  const TOML = `
    [global]
    enabled = true
    enable_jitter = false
    log_level = "warn"
    json_logging = true
    [limits]
    max_flows = 5000
    max_queue_size = 700
    max_memory_mb = 256
    max_jitter_ms = 300
    flow_timeout_secs = 60
    log_rate_limit = 50
    [[rules]]
    name = "video"
    priority = 5
    transforms = ["fragment", "jitter"]
    [rules.match_criteria]
    dst_ports = [443]
    domains = ["*.example.org"]
    protocols = ["tcp"]
    process = "curl"
    [[rules]]
    name = "cut"
    transforms = ["resegment", "padding"]
    [transforms.fragment]
    split_at_offset = 2
    [transforms.jitter]
    min_ms = 1
    max_ms = 20`;

  test("every key of it has its counterpart, or a reason", () => {
    const { limits, log, rules } = converted(TOML);
    expect(limits).toEqual({
      ...{ maxFlows: 5000, maxQueueSize: 700, maxMemoryMb: 256, maxJitterMs: 300 },
      ...{ flowTimeoutSeconds: 60, logRateLimit: 50 },
    });
    expect(log).toEqual({ level: "warning", format: "json", hosts: false });
    expect(rules.map(({ name, priority }) => [name, priority])).toEqual([
      ["video", 5],
      ["cut", 0],
    ]);
    expect(rules[0]).toMatchObject({ hosts: ["example.org"], ports: [{ first: 443, last: 443 }] });
    expect(rules.map(ruleStrategyText)).toEqual([
      "tls: split(2, midsld) delay(1, jitter=19)  http: split(2, midsld) delay(1, jitter=19)",
      "tls: split(16, 32, 48, 64, 80, 96, 112, 128)  http: split(16, 32, 48, 64, 80, 96, 112, 128)",
    ]);
    expect(lost(TOML)).toEqual([
      "global.enable_jitter = false",
      "rules[0].match_criteria.process",
      'rules[1].transforms "padding"',
    ]);
  });

  test("JSON, presets and the settings of its backend", () => {
    const json = {
      engine_config: { global: { enabled: false } },
      max_queue_size: 5,
      backend: { Tun: { device_name: "tun7", mtu: 1400, address: "10.0.9.1", netmask: "255.255.255.0" } },
      preset: "vodafone",
    };
    const profile = converted(JSON.stringify(json));
    expect(profile.enabled).toBe(false);
    expect(profile.device).toMatchObject({ name: "tun7", mtuBytes: 1400, address: "10.0.9.1" });
    expect(profile.limits.maxQueueSize).toBe(5);
    expect(profile.rules.map(ruleStrategyText)).toEqual([preset("vodafone")]);
  });
});

test("convertProfile() says when it knows nobody with such settings, and notes stand above the profile", () => {
  expect(() => convertProfile("nothing of the kind")).toThrow("settings: expected those of turkeydpi, zapret");
  expect(convertProfile("goodbyedpi.exe -p -q").text).toStartWith(
    "# Made of settings of goodbyedpi. What became of each option:\n#   -q  ->  quic: drop\n#   -p  ->  nothing: ",
  );
});

test("wordsOf() reads scripts of shells and of Windows", () => {
  expect(wordsOf('a "b c" \\\n  d^\r\n --e="f g"\n# no\nrem no\n:: no')).toEqual(["a", "b c", "d", "--e=f g"]);
});
