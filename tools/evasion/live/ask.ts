// One request of each real client, and what came of it.
import { mkdirSync } from "node:fs";
import { createHash, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { BLOCKED_NAME, browserCommand, DNS_PORT, findBrowser, type Outcome, serverAddress } from "@bunnel/lab/live";
import type { LiveRange } from "./range.ts";
import { LONG_PATH, PAGE_PATH, WHO_PATH } from "./servers.ts";

export interface Question {
  /** Which of the server's addresses. */
  readonly place: number;
  /** After this time without an answer it counts as blocked. */
  readonly timeoutMs: number;
  /** The box counts the server's octets, so there must be some. */
  readonly long: boolean;
}

/** Asks for the blocked name's page. */
export type Ask = (range: LiveRange, question: Question) => Promise<Outcome>;

/** What a server's page about the blocked name holds. */
const SERVED = `"host":"${BLOCKED_NAME}"`;
/** HTTP/3 by Bun's fetch, whatever the certificate. */
const BUN_SCRIPT = `
  const response = await fetch(process.argv.at(-1), { protocol: "http3", tls: { rejectUnauthorized: false } });
  console.log(await response.text());
  process.exit(0);
`;

/** curl over TLS or without it. @param words about versions */
export function askCurl(scheme: "https" | "http", words: readonly string[]): Ask {
  return async ({ lab }, { place, timeoutMs, long }) => {
    const path = long ? LONG_PATH : WHO_PATH;
    const order = { host: BLOCKED_NAME, scheme, family: 4, server: place, timeoutMs, path, words } as const;
    return (await lab.fetch(order)).outcome;
  };
}

const browser = findBrowser();
export const HAS_BROWSER: boolean = browser !== undefined;

/** Chromium, as somebody who has just installed it. A browser that is blocked tries on until it is ended. */
export function askBrowser(words: readonly string[] = []): Ask {
  return async (range, { place, timeoutMs, long }) => {
    const url = `https://${BLOCKED_NAME}${long ? LONG_PATH : PAGE_PATH}`;
    const order = {
      browser: browser ?? "chromium",
      folder: range.fresh("browser"),
      url,
      address: serverAddress(4, place),
    };
    const trust = `--ignore-certificate-errors-spki-list=${keyHash(range.lab.certificate.certificate)}`;
    const env = { HOME: range.folder, TMPDIR: range.folder };
    const command = browserCommand({ ...order, words: [trust, ...words] });
    const { stdout } = await range.lab.client.run(command, { env, timeoutMs });
    if (stdout.includes(SERVED)) return "served";
    if (/ERR_CONNECTION_(RESET|CLOSED)|ERR_SOCKET_NOT_CONNECTED/.test(stdout)) return "reset";
    return stdout === "" || /ERR_\w*TIMED_OUT|ERR_QUIC/.test(stdout) ? "blocked" : "wrong";
  };
}

/** What makes the browser use HTTP/3 from the first request on. */
export const BROWSER_QUIC: readonly string[] = [`--origin-to-force-quic-on=${BLOCKED_NAME}:443`];

/** A browser takes QUIC certificates of unknown authorities only by the hash of their key. */
function keyHash(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(key).digest("base64");
}

/** ngtcp2's client. */
export const askNgtcp2: Ask = async (range, question) => {
  const folder = range.fresh("download");
  mkdirSync(folder);
  const words = ["-q", "--exit-on-all-streams-close", `--download=${folder}`, BLOCKED_NAME, "443"];
  await runResolving(range, question, ["gtlsclient", ...words, `https://${BLOCKED_NAME}${PAGE_PATH}`]);
  const page = Bun.file(join(folder, PAGE_PATH));
  return (await page.exists()) && (await page.text()).includes(SERVED) ? "served" : "blocked";
};

/** Bun's fetch over HTTP/3. */
export const askBunQuic: Ask = async (range, question) => {
  const command = [process.execPath, "-e", BUN_SCRIPT, `https://${BLOCKED_NAME}${PAGE_PATH}`];
  const { stdout } = await runResolving(range, question, command);
  return stdout.includes(SERVED) ? "served" : "blocked";
};

/** Runs a client that asks the system for addresses: it gets a table of hosts of its own. */
async function runResolving(range: LiveRange, { place, timeoutMs }: Question, command: readonly string[]) {
  const hosts = range.fresh("hosts");
  await Bun.write(hosts, `${serverAddress(4, place)} ${BLOCKED_NAME}\n`);
  const script = 'mount --bind "$1" /etc/hosts && shift && exec "$@"';
  return range.lab.client.run(["unshare", "--mount", "sh", "-ec", script, "sh", hosts, ...command], { timeoutMs });
}

/** dig, of the lab's own name server; there is one at the first address alone. */
export const askDig: Ask = async ({ lab }, { place, timeoutMs }) => {
  const address = serverAddress(4, place);
  const limits = [`+time=${Math.ceil(timeoutMs / 1000)}`, "+tries=1", "+short"];
  const command = ["dig", `@${address}`, "-p", String(DNS_PORT), ...limits, BLOCKED_NAME, "A"];
  const { stdout, status } = await lab.client.run(command);
  if (status !== 0) return "blocked";
  return stdout.trim() === serverAddress(4) ? "served" : "wrong";
};
