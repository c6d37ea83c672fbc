// needs root: namespaces, /dev/net/tun, nft, unbound. DNS over TCP as programs ask it: connections to port 53 are ended
// here and their queries answered as those over UDP are.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { BLOCKED_NAME, type LiveLab, serverAddress, type Service } from "@bunnel/lab/live";
import { TempFolder } from "../cli/run.ts";
import { createLab, METHODS } from "./lab.ts";
import { DOH_NAME, DOH_PORT, PLAIN_PORT, startUnbound, TRUE_V4, TRUE_V6, type Unbound } from "./unbound.ts";

setDefaultTimeout(240_000);

let lab: LiveLab;
let unbound: Unbound;
const folder = new TempFolder();

beforeAll(async () => {
  lab = await createLab();
  unbound = await startUnbound(lab.server, join(folder.path, "unbound"));
  await lab.setCensor("dns-hijack");
});
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function profile(strategy: string, keys = ""): string {
  return `[dns]
upstreams = ["https://${DOH_NAME}:${DOH_PORT}/dns-query ${serverAddress(4)} ${serverAddress(6)}"]
certificates_file = "${unbound.authorityPath}"
[[rule]]
name = "dns"
strategy = "${strategy}"
${keys}`;
}

async function dig(...words: readonly string[]): Promise<string> {
  return (await lab.client.run(["dig", "+tcp", "+time=8", "+tries=1", ...words])).stdout;
}

describe.each(METHODS)("with dns: doh, method %s", (method) => {
  let service: Service;
  beforeAll(async () => {
    service = await lab.up({ profile: profile("dns: doh"), method });
  });
  afterAll(async () => {
    const { status, report } = await service.stop();
    expect(status).toBe(0);
    expect(report?.["translationsMade"]).toBeGreaterThan(0);
  });

  test.each([4, 6] as const)("a query over TCP is answered, IPv%i", async (family) => {
    const server = `@${serverAddress(family)}`;
    expect(await dig(server, "+short", BLOCKED_NAME, "A")).toBe(`${TRUE_V4}\n`);
    expect(await dig(server, "+short", BLOCKED_NAME, "AAAA")).toBe(`${TRUE_V6}\n`);
  });

  test("several on one connection are", async () => {
    const two = ["+keepopen", "+short", BLOCKED_NAME, "A", BLOCKED_NAME, "AAAA"];
    expect(await dig(`@${serverAddress(4)}`, ...two)).toBe(`${TRUE_V4}\n${TRUE_V6}\n`);
  });

  test("an answer that fits into no datagram comes whole, also to who was told by UDP to ask so", async () => {
    const asked = [`@${serverAddress(4)}`, "big.example.org", "TXT"];
    expect(await dig(...asked)).toContain("ANSWER: 12");
    const { stdout } = await lab.client.run(["dig", "+time=8", "+tries=1", "+bufsize=1232", ...asked]);
    expect(stdout).toContain("ANSWER: 12");
    expect(stdout).toContain("(TCP)");
  });
});

test("a server of the own network is answered for too, where nft picks packets out", async () => {
  await using service = await lab.up({ profile: profile("dns: doh"), method: "nft" });
  expect(service.report["up"]).toBe(true);
  expect(await dig("@192.0.2.1", "+short", BLOCKED_NAME, "A")).toBe(`${TRUE_V4}\n`);
});

test("with dns: redirect another resolver answers, over TCP of ours that does not come up again", async () => {
  const keys = `ports = [53, ${PLAIN_PORT}]`;
  const text = profile(`dns: redirect(${serverAddress(4)}:${PLAIN_PORT})`, keys);
  await using service = await lab.up({ profile: text });
  expect(service.report["up"]).toBe(true);
  expect(await dig(`@${serverAddress(6)}`, "+short", BLOCKED_NAME, "A")).toBe(`${TRUE_V4}\n`);
  expect(await dig(`@${serverAddress(4)}`, "big.example.org", "TXT")).toContain("ANSWER: 12");
});

test("a rule for some names leaves connections alone: nobody knows what they will ask", async () => {
  await using service = await lab.up({ profile: profile("dns: doh", `hosts = ["${BLOCKED_NAME}"]`) });
  expect(service.report["up"]).toBe(true);
  expect(await dig(`@${serverAddress(4)}`, "+short", BLOCKED_NAME, "A")).toContain("connection refused");
});
