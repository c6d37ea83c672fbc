// needs root: namespaces, /dev/net/tun, nft, curl, dig. A mixed load, and how many of its packets come up: what no rule
// wants stays on the kernel's path, and the narrower the rules, the more of it.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ALLOWED_NAME, type LiveLab, serverAddress } from "@bunnel/lab/live";
import { createLab, downloadDigest, get, succeed } from "./lab.ts";

setDefaultTimeout(240_000);

const TIMES = 5;
const DOCUMENT = join(import.meta.dirname, "../../docs/split-tunnelling.md");
const ALL = "tls: split(1, midsld) disorder  http: split(method+2)  dns: ttl(64)";

let lab: LiveLab;
beforeAll(async () => {
  lab = await createLab();
});
afterAll(() => lab?.[Symbol.asyncDispose]());

/** Pages over TLS and in the clear, queries, and a download of 10 MB, in both families. */
async function load(): Promise<void> {
  for (const family of lab.families) {
    const page = (scheme: "https" | "http") =>
      ({ family, scheme, port: scheme === "https" ? 443 : 80, host: ALLOWED_NAME }) as const;
    for (let i = 0; i < TIMES; i++) {
      await get(lab, page("https"), "/");
      await get(lab, page("http"), "/");
      const dig = ["dig", `@${serverAddress(family)}`, "+short", "+time=5", "www.example.org", "A"];
      await succeed(lab.client, dig);
    }
    await downloadDigest(lab, page("https"), "/bytes/10000000");
  }
}

/** Packets of the load that came up. */
async function cameUp(text: string, method: "nft" | "rules" = "nft"): Promise<number> {
  await using service = await lab.up({ profile: text, method });
  await load();
  const { report } = await service.stop();
  return Number(report?.["packetsIn"]);
}

function profile(head = "", keys = ""): string {
  return `${head}\n[[rule]]\nname = "all"\n${keys}\nstrategy = "${ALL}"\n`;
}

const server4 = serverAddress(4);

/** Each row of the document: a condition, its profile, and how many packets come up. */
const ROWS: readonly (readonly [condition: string, profile: string, packets: number])[] = [
  ["rules for TLS, HTTP and DNS, any destination", profile(), 32],
  ["the rule has `ports = [443]`", profile("", "ports = [443]"), 12],
  [`the rule has \`addresses\` of the IPv4 server alone`, profile("", `addresses = ["${server4}/32"]`), 16],
  ['the rule has `families = ["ipv6"]`', profile("", 'families = ["ipv6"]'), 16],
  ['`[exclude] protocols = ["udp"]`', profile('[exclude]\nprotocols = ["udp"]'), 22],
  ["`[exclude] ports = [80]`", profile("[exclude]\nports = [80]"), 22],
  ['`[exclude] processes = ["curl"]`', profile('[exclude]\nprocesses = ["curl"]'), 10],
  ['`[include] users = ["1000"]`, and nobody of that number', profile('[include]\nusers = ["1000"]'), 0],
  ["`enabled = false`", profile("enabled = false"), 0],
];

describe("packets of a mixed load that come up", () => {
  test.each(ROWS)("%s", async (condition, text, packets) => {
    expect(await cameUp(text)).toBe(packets);
    const [row = ""] = readFileSync(DOCUMENT, "utf8")
      .split("\n")
      .filter((line) => line.includes(`| ${condition} |`));
    expect(row).toContain(`| ${packets} |`);
  });

  test("without nftables all of them do", async () => {
    expect(await cameUp(profile(), "rules")).toBeGreaterThan(200);
  });
});
