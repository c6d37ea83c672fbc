// The real clients, and what each of them is made to ask for.
import { createHash, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { BROWSER, browserCommand } from "./browser.ts";
import { type CaptureLab, QUIC, WEB } from "./network.ts";

export interface CaptureCase {
  /** Of the file, and the client's. */
  readonly name: string;
  /** The program that asks. */
  readonly program: string;
  /** What it asks for, for people. */
  readonly about: string;
  /** "kind host" of each message that must be found, in this order; of QUIC connections one each. */
  readonly messages: readonly string[];
  run(lab: CaptureLab): Promise<unknown>;
}

const CURL = ["curl", "-sS", "--noproxy", "*", "--insecure", "--connect-timeout", "5", "--max-time", "10"];
function at(host: string, port: number, address: string): string[] {
  return ["--resolve", `${host}:${port}:${address.includes(":") ? `[${address}]` : address}`];
}

export const CASES: readonly CaptureCase[] = [
  {
    name: "curl-tls12",
    program: "curl",
    about: "TLS 1.2 alone, HTTP/1.1",
    messages: ["tls tls12.example.org"],
    run: (lab) => {
      const version = ["--http1.1", "--tlsv1.2", "--tls-max", "1.2"];
      return lab.run(...CURL, ...version, ...at("tls12.example.org", 443, WEB[4]), "https://tls12.example.org/");
    },
  },
  {
    name: "curl-tls13-h2",
    program: "curl",
    about: "TLS 1.3 and HTTP/2, over IPv4 and IPv6",
    messages: ["tls tls13.example.org", "tls a-much-longer-name-for-ipv6.video.example.org"],
    run: async (lab) => {
      await lab.run(...CURL, "--tlsv1.3", ...at("tls13.example.org", 443, WEB[4]), "https://tls13.example.org/");
      const host = "a-much-longer-name-for-ipv6.video.example.org";
      await lab.run(...CURL, "--http2", ...at(host, 443, WEB[6]), `https://${host}/`);
    },
  },
  {
    name: "curl-http",
    program: "curl",
    about: "HTTP/1.1: four requests on one connection, two of them for another host; then one for an address",
    messages: [
      ...["http www.example.org", "http other.example.org", "http www.example.org", "http last.example.org"],
      "http 192.0.2.1",
    ],
    run: async (lab) => {
      const url = "http://www.example.org/";
      const same = ["-sS", "--noproxy", "*", ...at("www.example.org", 80, WEB[4])];
      await lab.run(
        ...[...CURL, ...at("www.example.org", 80, WEB[4]), url],
        ...["--next", ...same, "-H", "Host: other.example.org", `${url}two`],
        ...["--next", ...same, "-d", "a=form&with=GET / HTTP/1.1", `${url}three`],
        ...["--next", ...same, "-H", "Host: last.example.org:80", "-A", "an agent", "--head", `${url}four`],
      );
      await lab.run(...CURL, `http://${WEB[4]}/`);
    },
  },
  {
    name: "openssl",
    program: "openssl",
    about: "s_client with TLS 1.2, with TLS 1.3, and without a name",
    messages: ["tls s-client-12.example.org", "tls s-client-13.example.org", "tls"],
    run: async (lab) => {
      const client = ["openssl", "s_client", "-connect", `${WEB[4]}:443`];
      await lab.run(...client, "-tls1_2", "-servername", "s-client-12.example.org");
      await lab.run(...client, "-tls1_3", "-servername", "s-client-13.example.org");
      await lab.run(...client, "-noservername");
    },
  },
  {
    name: "dig",
    program: "dig",
    about: "queries of several types over IPv4 and IPv6, with and without EDNS",
    messages: [
      ...["dns www.example.org", "dns MiXed.Example.ORG", "dns _443._tcp.video.example.org"],
      "dns 7.2.0.192.in-addr.arpa",
    ],
    run: async (lab) => {
      const dig = (server: string, ...words: string[]) => lab.run("dig", `@${server}`, "+time=2", "+tries=1", ...words);
      await dig(QUIC[4], "www.example.org", "A");
      await dig(QUIC[6], "+noedns", "MiXed.Example.ORG", "AAAA");
      await dig(QUIC[4], "+dnssec", "_443._tcp.video.example.org", "HTTPS");
      await dig(QUIC[4], "-x", "192.0.2.7");
    },
  },
  {
    name: "chromium-tcp",
    program: BROWSER ?? "none",
    about: "a page over TLS: a post-quantum hello over two segments",
    messages: ["tls browser.example.org"],
    run: (lab) => browse(lab, "browser.example.org", WEB[4]),
  },
  {
    name: "chromium-quic",
    program: BROWSER ?? "none",
    about: "the same over HTTP/3: a hello over two datagrams, in CRYPTO frames of the browser's own order",
    messages: ["quic quic-browser.example.org"],
    run: (lab) => {
      const key = new X509Certificate(lab.certificate).publicKey.export({ type: "spki", format: "der" });
      const hash = createHash("sha256").update(key).digest("base64");
      const host = "quic-browser.example.org";
      const force = `--origin-to-force-quic-on=${host}:443`;
      return browse(lab, host, QUIC[4], force, `--ignore-certificate-errors-spki-list=${hash}`);
    },
  },
  {
    name: "ngtcp2-quic",
    program: "gtlsclient",
    about: "HTTP/3 with QUIC version 1 over IPv4 and IPv6",
    messages: ["quic ngtcp2.example.org", "quic ngtcp2-six.example.org"],
    run: async (lab) => {
      const ask = (host: string, address: string) =>
        resolving(
          lab,
          host,
          address,
          "gtlsclient",
          "-q",
          "--exit-on-all-streams-close",
          host,
          "443",
          `https://${host}/`,
        );
      await ask("ngtcp2.example.org", QUIC[4]);
      await ask("ngtcp2-six.example.org", QUIC[6]);
    },
  },
  {
    name: "bun-quic",
    program: "bun",
    about: "HTTP/3 by Bun's fetch",
    messages: ["quic fetch.example.org"],
    run: (lab) => {
      const client = join(import.meta.dirname, "quic-client.ts");
      return resolving(lab, "fetch.example.org", QUIC[4], process.execPath, client, "https://fetch.example.org/");
    },
  },
];

/** Runs a client that asks the system for addresses, with an answer of its own. */
async function resolving(lab: CaptureLab, host: string, address: string, ...command: string[]): Promise<void> {
  const hosts = lab.folder.file("hosts");
  await Bun.write(hosts, `${address} ${host}\n`);
  const script = 'mount --bind "$1" /etc/hosts && shift && exec "$@"';
  await lab.run("unshare", "--mount", "sh", "-ec", script, "sh", hosts, ...command);
}

async function browse(lab: CaptureLab, host: string, address: string, ...words: readonly string[]): Promise<void> {
  const folder = lab.folder.file(`browser-${host}`);
  const { stdout } = await lab.run(...browserCommand(folder, `https://${host}/`, address, words));
  if (!stdout.includes("as asked")) throw new Error(`browser: expected the server's page, found ${stdout}`);
}

/** Every name that a case asks for, for the servers' certificate. */
export function certificateNames(): string[] {
  const names = CASES.flatMap(({ messages }) => messages.map((message) => message.split(" ")[1] ?? ""));
  return [...new Set(names)].filter((name) => name.endsWith(".example.org"));
}
