// needs root: namespaces, /dev/net/tun, nft. A box that begins to drop QUIC while requests run: the service finds
// another strategy for it by itself, and leaves alone what it does to TLS. Client and server are this run-time.
import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { ALLOWED_NAME, type LiveLab, makeCertificate, serverAddress } from "@bunnel/lab/live";
import { PROGRAM, said, TempFolder } from "../cli/run.ts";
import { createLab, succeed } from "./lab.ts";

setDefaultTimeout(240_000);

const CAPTURES = join(import.meta.dirname, "../captures");
/** An address of the server's where nobody else listens. */
const PLACE = 20;
const HOST = "video.quic.example.org";
const CLIENTS = 3;
const PATIENCE_SECONDS = 4;
const DEADLINE_MS = 90_000;
const BEFORE = "quic: ttl(60)";
const AFTER = "quic: tos(8)";
const PROFILE = `
[memory]
candidates = ["tls: split(3)  ${AFTER}"]
[[rule]]
name = "all"
strategy = "tls: split(1)  ${BEFORE}"
`;
/** What a marked hello is stands for what real boxes overlook. */
const BOXES = {
  "the hello": "ct state new ip dscp 0 drop",
  "what follows the hello": "ct state new ip dscp 2 ct mark set 9\n TO ct state established ct mark != 9 drop",
} as const;

function boxOf(rules: string): Uint8Array {
  const to = `ip daddr ${serverAddress(4, PLACE)} udp dport 443`;
  const chain = `type filter hook forward priority 0\n ${to} ${rules.replace("TO", to)}\n`;
  return new TextEncoder().encode(`table ip quicbox {\n chain watched {\n ${chain} }\n}\n`);
}

let lab: LiveLab;
const folder = new TempFolder();

beforeAll(async () => {
  const { certificate, key } = makeCertificate([HOST]);
  await Bun.write(folder.file("certificate.pem"), certificate);
  await Bun.write(folder.file("key.pem"), key);
  await Bun.write(folder.file("hosts"), `${serverAddress(4, PLACE)} ${HOST}\n`);
  lab = await createLab();
  const words = [process.execPath, join(CAPTURES, "quic-server.ts"), folder.path, serverAddress(4, PLACE)];
  await said(lab.server.spawn(words).stdout, "ready");
});
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

let number = 0;
beforeEach(() => {
  number++;
});
afterEach(() => lab.censor.run(["nft", "delete", "table", "ip", "quicbox"]));

const stateDir = (): string => folder.file(`state-${number}`);

function bunnel(...words: readonly string[]): Promise<string> {
  return succeed(lab.client, [...PROGRAM, ...words, "--state-dir", stateDir()]);
}

/** Whether a page of some dozens of datagrams came over HTTP/3. */
async function fetched(): Promise<boolean> {
  const script = 'mount --bind "$1" /etc/hosts && exec timeout "$4" "$2" "$3" "https://$5/large"';
  const client = [process.execPath, join(CAPTURES, "quic-client.ts")];
  const words = [folder.file("hosts"), ...client, String(PATIENCE_SECONDS), HOST];
  const ran = await lab.client.run(["unshare", "--mount", "sh", "-ec", script, "sh", ...words]);
  return ran.status === 0 && ran.stdout.length > 50_000;
}

interface Tried {
  readonly strategy: string;
  readonly worked: number;
  readonly symptom?: string;
}

async function tried(): Promise<readonly Tried[]> {
  const { hosts } = JSON.parse(await bunnel("hosts", "--json")) as {
    readonly hosts: readonly { readonly host: string; readonly tried: readonly Tried[] }[];
  };
  return hosts.find(({ host }) => host === HOST)?.tried ?? [];
}

const blocked = Object.entries(BOXES);
test.each(blocked)("a box that begins to drop %s: QUIC recovers by itself", async (what, rules) => {
  await using service = await lab.up({ stateDir: stateDir(), profile: PROFILE });
  expect(await fetched()).toBe(true);
  await succeed(lab.censor, ["nft", "-f", "-"], boxOf(rules));
  const began = performance.now();
  let servedAt = 0;
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    // Connections of the same moment would be one failure.
    await Bun.sleep(client * 300);
    while (servedAt === 0 && performance.now() - began < DEADLINE_MS) {
      if (await fetched()) servedAt ||= performance.now();
    }
  });
  const other = (async () => {
    while (servedAt === 0 && performance.now() - began < DEADLINE_MS) {
      await lab.fetch({ host: ALLOWED_NAME, scheme: "https", family: 4, timeoutMs: 1_500 });
    }
  })();
  await Promise.all([...clients, other]);
  expect(servedAt).toBeGreaterThan(0);
  console.info(`QUIC without ${what}: served again after ${Math.round(servedAt - began)} ms`);
  while (!(await tried()).some(({ worked }) => worked > 0)) {
    expect(performance.now() - began).toBeLessThan(DEADLINE_MS);
    await fetched();
  }
  expect(await tried()).toMatchObject([{ strategy: AFTER }, { strategy: BEFORE, symptom: "silence", worked: 0 }]);
  // What is done to TLS over TCP did not fail.
  expect(await bunnel("rules")).toContain(`learned 1`);
  expect(await bunnel("rules")).not.toContain("split(3)");
  expect(await bunnel("metrics")).toMatch(/bunnel_flow_failures_total\{symptom="silence"\} [1-9]/u);
  await service.stop();
});
