// needs root: namespaces, /dev/net/tun, nft, unbound. DNS as programs see it, with an injector on the way: queries are
// taken out of the traffic, asked over HTTPS of a real resolver, and answered in place of the server that was meant.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { BLOCKED_NAME, type Family, type LiveLab, serverAddress, type Service } from "@bunnel/lab/live";
import { PROGRAM, TempFolder } from "../cli/run.ts";
import { createLab, networkState, succeed, type NetworkState } from "./lab.ts";
import { DOH_NAME, DOH_PORT, PLAIN_PORT, startUnbound, TRUE_V4, TRUE_V6, type Unbound } from "./unbound.ts";

setDefaultTimeout(240_000);

/** What the injector says of the blocked name. */
const FORGED = "10.10.34.34";
const FAMILIES: readonly Family[] = [4, 6];

let lab: LiveLab;
let unbound: Unbound;
let before: NetworkState;
const folder = new TempFolder();

interface ProfileParts {
  readonly strategy?: string;
  /** Lines of `[dns]`. */
  readonly dns?: string;
  readonly more?: string;
  readonly upstreams?: readonly string[];
}

function url(port: number = DOH_PORT, name: string = DOH_NAME): string {
  return `https://${name}:${port}/dns-query ${serverAddress(4)} ${serverAddress(6)}`;
}

function profile({ strategy = "dns: doh", dns = "", more = "", upstreams = [url()] }: ProfileParts = {}): string {
  return `[dns]
upstreams = ${JSON.stringify(upstreams)}
certificates_file = "${unbound.authorityPath}"
timeout_ms = 2000
${dns}
[[rule]]
name = "dns"
strategy = "${strategy}"
${more}`;
}

async function dig(...words: readonly string[]): Promise<string> {
  return (await lab.client.run(["dig", "+time=4", "+tries=1", ...words])).stdout;
}

/** The records of an answer, one a line. */
async function short(name: string, type: string, family: Family = 4, ...words: readonly string[]): Promise<string[]> {
  const printed = await dig(`@${serverAddress(family)}`, "+short", ...words, name, type);
  return printed.split("\n").filter((line) => line !== "" && !line.startsWith(";"));
}

interface Figures {
  readonly queriesTaken: number;
  readonly queriesAnswered: number;
  readonly messagesDns: number;
  readonly reasons: Readonly<Record<string, number>>;
  readonly dns: {
    readonly asked: number;
    readonly fromCache: number;
    readonly failed: number;
    readonly fellBack: number;
    readonly passedOn: number;
    readonly upstreams: readonly {
      readonly answered: number;
      readonly failed: number;
      readonly lastFailure?: string;
    }[];
  };
}

beforeAll(async () => {
  lab = await createLab();
  unbound = await startUnbound(lab.server, join(folder.path, "unbound"));
  await lab.setCensor("dns-hijack");
  before = await networkState(lab.client);
});

afterAll(async () => {
  await unbound[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** What the service says of itself. */
async function figures(stateDir: string): Promise<Figures> {
  const command = [...PROGRAM, "status", "--json", "--state-dir", stateDir];
  return JSON.parse(await succeed(lab.client, command)) as Figures;
}

describe("without the service", () => {
  test.each(FAMILIES)("the injector answers over IPv%d", async (family) => {
    expect(await short(BLOCKED_NAME, "A", family)).toEqual([FORGED]);
  });
});

describe.each(["nft", "rules"] as const)("with dns: doh, method %s", (method) => {
  let service: Service;
  let stateDir: string;
  let askedBefore = 0;

  const askedOverHttps = async (): Promise<number> => (await unbound.figures()).get("num.query.https") ?? 0;

  beforeAll(async () => {
    askedBefore = await askedOverHttps();
    stateDir = join(folder.path, `state-${method}`);
    service = await lab.up({ profile: profile(), method, stateDir });
  });
  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    expect(await networkState(lab.client)).toEqual(before);
  });

  test.each(FAMILIES)("a blocked name has its true addresses over IPv%d", async (family) => {
    expect(await short(BLOCKED_NAME, "A", family)).toEqual([TRUE_V4]);
    expect(await short(BLOCKED_NAME, "AAAA", family)).toEqual([TRUE_V6]);
  });

  test("HTTPS records, signatures and flags come through", async () => {
    expect(await short(BLOCKED_NAME, "HTTPS")).toEqual([`1 . alpn="h2" ipv4hint=${TRUE_V4}`]);
    const signed = await dig(`@${serverAddress(4)}`, "+dnssec", BLOCKED_NAME, "A");
    expect(signed).toContain("flags: do;");
    expect(signed).toMatch(/RRSIG\s+A 13 3/);
    const plain = await dig(`@${serverAddress(4)}`, BLOCKED_NAME, "A");
    expect(plain).not.toContain("RRSIG");
  });

  test("there is no such name where there is none", async () => {
    const printed = await dig(`@${serverAddress(4)}`, "nowhere.example.org");
    expect(printed).toContain("status: NXDOMAIN");
    expect(printed).toContain("SOA");
  });

  test("an answer that is too large says so by UDP; a large one passes where the asker takes it", async () => {
    const cut = await dig(`@${serverAddress(4)}`, "+ignore", "+bufsize=1232", "big.example.org", "TXT");
    expect(cut).toMatch(/flags:[a-z ]* tc/);
    const printed = await dig(`@${serverAddress(6)}`, "+ignore", "+bufsize=4096", "big.example.org", "TXT");
    expect(printed).toContain("ANSWER: 12");
    expect(printed).not.toMatch(/flags:[a-z ]* tc/);
  });

  test("the figures tell it, and packets are accounted for", async () => {
    const asked = await askedOverHttps();
    const first = await figures(stateDir);
    expect(await short(BLOCKED_NAME, "A")).toEqual([TRUE_V4]);
    const { dns, queriesTaken, queriesAnswered, reasons } = await figures(stateDir);
    expect(queriesTaken).toBe(first.queriesTaken + 1);
    expect(queriesAnswered).toBe(queriesTaken);
    expect(reasons["DropAnswered"]).toBe(queriesTaken);
    expect(dns).toMatchObject({ asked: queriesTaken, fromCache: first.dns.fromCache + 1, failed: 0 });
    expect(dns.upstreams[0]?.answered).toBe(asked - askedBefore);
    expect(await askedOverHttps()).toBe(asked);
  });

  test("curl finds a blocked site by its name", async () => {
    const resolv = join(folder.path, "resolv.conf");
    await Bun.write(resolv, `nameserver ${serverAddress(4)}\noptions edns0\n`);
    const curl = `curl -sS --noproxy '*' --max-time 20 -o /dev/null -w '%{remote_ip}' http://${BLOCKED_NAME}/`;
    const command = `mount --bind ${resolv} /etc/resolv.conf && ${curl}`;
    const found = await succeed(lab.client, ["unshare", "--mount", "--", "sh", "-c", command]);
    expect([TRUE_V4, TRUE_V6]).toContain(found);
  });
});

test("queries to a server of the own network are answered too, where nft picks packets out", async () => {
  await using service = await lab.up({ profile: profile(), method: "nft" });
  expect(service.report["up"]).toBe(true);
  // The client's router, where nobody listens.
  expect(await dig("@192.0.2.1", "+short", BLOCKED_NAME, "A")).toBe(`${TRUE_V4}\n`);
  expect(await dig("@2001:db8:1::1", "+short", BLOCKED_NAME, "A")).toBe(`${TRUE_V4}\n`);
});

test("a rule by host acts on the SYN to an address that an answer named, and on no other", async () => {
  const stateDir = join(folder.path, "state-syn");
  const more = `[[rule]]\nname = "syn"\nhosts = ["${BLOCKED_NAME}"]\nstrategy = "syn: tos(4)"\n`;
  await using service = await lab.up({ profile: profile({ more }), stateDir });
  expect(service.report["up"]).toBe(true);
  const decided = async (): Promise<number> => {
    const printed = await succeed(lab.client, [...PROGRAM, "rules", "--json", "--state-dir", stateDir]);
    const rules = JSON.parse(printed) as readonly { readonly name: string; readonly decided: number }[];
    return rules.find(({ name }) => name === "syn")?.decided ?? -1;
  };
  const connect = async (family: Family, place = 0): Promise<unknown> => {
    const address = family === 6 ? `[${serverAddress(6, place)}]` : serverAddress(4, place);
    return succeed(lab.client, ["curl", "-sS", "--noproxy", "*", "-o", "/dev/null", `http://${address}/`]);
  };
  for (const family of FAMILIES) {
    const first = await decided();
    await connect(family);
    expect(await decided()).toBe(first);
    await short(BLOCKED_NAME, family === 4 ? "A" : "AAAA");
    await connect(family);
    expect(await decided()).toBe(first + 1);
    await connect(family, 1);
    expect(await decided()).toBe(first + 1);
  }
});

describe("with dns: redirect", () => {
  test.each([
    ["IPv4", `${serverAddress(4)}:${PLAIN_PORT}`],
    ["IPv6", `[${serverAddress(6)}]:${PLAIN_PORT}`],
  ])("another resolver over %s answers, by TCP what does not fit", async (_, resolver) => {
    await using service = await lab.up({ profile: profile({ strategy: `dns: redirect(${resolver})` }) });
    expect(service.report["up"]).toBe(true);
    expect(await short(BLOCKED_NAME, "A")).toEqual([TRUE_V4]);
    expect(await short(BLOCKED_NAME, "AAAA", 6)).toEqual([TRUE_V6]);
    const printed = await dig(`@${serverAddress(4)}`, "+ignore", "+bufsize=4096", "big.example.org", "TXT");
    expect(printed).toContain("ANSWER: 12");
  });
});

describe("when the upstream fails", () => {
  /** An address of the client's network where nobody is. */
  const dead = "https://192.0.2.99:8453/dns-query";

  test.each([
    ["nobody is there", dead],
    ["nobody listens", url(1)],
    ["the certificate is for another name", url(DOH_PORT, "other.example.org")],
  ])("%s: SERVFAIL, and nobody else is asked", async (_, upstream) => {
    await using service = await lab.up({ profile: profile({ upstreams: [upstream] }) });
    expect(service.report["up"]).toBe(true);
    const printed = await dig(`@${serverAddress(4)}`, BLOCKED_NAME, "A");
    expect(printed).toContain("status: SERVFAIL");
    expect(printed).not.toContain(FORGED);
  });

  test("the next one answers", async () => {
    const stateDir = join(folder.path, "state-next");
    const upstreams = [url(DOH_PORT, "other.example.org"), url()];
    await using service = await lab.up({ profile: profile({ upstreams }), stateDir });
    expect(service.report["up"]).toBe(true);
    expect(await short(BLOCKED_NAME, "A")).toEqual([TRUE_V4]);
    const { dns } = await figures(stateDir);
    expect(dns.upstreams).toMatchObject([{ failed: 1 }, { answered: 1, failed: 0 }]);
    expect(dns.upstreams[0]?.lastFailure).toContain("certificate");
  });

  test("fallback = system asks the server that was meant, because the profile says so", async () => {
    const text = profile({ upstreams: [url(1)], dns: 'fallback = "system"' });
    await using service = await lab.up({ profile: text });
    expect(service.report["up"]).toBe(true);
    expect(await short(BLOCKED_NAME, "A")).toEqual([FORGED]);
  });

  test("names of the network are asked of the server that was meant", async () => {
    const stateDir = join(folder.path, "state-names");
    await using service = await lab.up({ profile: profile({ dns: 'system_names = ["org"]' }), stateDir });
    expect(service.report["up"]).toBe(true);
    expect(await short("allowed.example.org", "A")).toEqual([serverAddress(4)]);
    expect((await figures(stateDir)).dns).toMatchObject({ passedOn: 1 });
  });

  test("a resolver that stops answering gives SERVFAIL, and answers again when it goes on", async () => {
    await using service = await lab.up({ profile: profile({ dns: "cache_entries = 0" }) });
    expect(service.report["up"]).toBe(true);
    expect(await short(BLOCKED_NAME, "A")).toEqual([TRUE_V4]);
    unbound.pause();
    const printed = await dig(`@${serverAddress(4)}`, BLOCKED_NAME, "A");
    unbound.goOn();
    expect(printed).toContain("status: SERVFAIL");
    expect(await short(BLOCKED_NAME, "A")).toEqual([TRUE_V4]);
  });

  test("after kill -9 queries go where they were sent, as before", async () => {
    const service = await lab.up({ profile: profile() });
    expect(await short(BLOCKED_NAME, "A")).toEqual([TRUE_V4]);
    await service.kill();
    expect(await short(BLOCKED_NAME, "A")).toEqual([FORGED]);
    await using again = await lab.up({ profile: profile() });
    expect(again.report["up"]).toBe(true);
    expect(await short(BLOCKED_NAME, "A")).toEqual([TRUE_V4]);
  });
});
