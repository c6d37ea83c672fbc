// Two network namespaces: a client, in which a service is started that stands in front of a fake kernel, and the world.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BLOCKED_NAME, LabHost, makeCertificate, type PipedProcess } from "@bunnel/lab/live";
import { NetworkNamespace } from "@bunnel/tun-linux";
import { succeed } from "../lab.ts";
import { GATEWAY, HOST, OTHER_GATEWAY, RESOLVER, SERVER } from "./plan.ts";

const HERE = import.meta.dir;
/** A loaded machine compiles slowly. */
const LINE_MS = 110_000;

/** The lines that a program says. */
export class Lines {
  readonly #reader;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** The next line that begins so. */
  async until(start: string): Promise<string> {
    const late = setTimeout(() => void this.#reader.cancel(), LINE_MS);
    try {
      for (;;) {
        const [line, ...rest] = this.#text.split("\n");
        if (rest.length > 0) {
          this.#text = rest.join("\n");
          if (line?.startsWith(start) === true) return line;
          continue;
        }
        const { done, value } = await this.#reader.read();
        if (done) throw new Error(`expected a line ${start}, found the end behind ${JSON.stringify(this.#text)}`);
        this.#text += this.#decoder.decode(value, { stream: true });
      }
    } finally {
      clearTimeout(late);
    }
  }
}

export interface Running {
  readonly child: PipedProcess;
  readonly lines: Lines;
  /** What `bunnel up --json` says when it is up. */
  readonly started: Readonly<Record<string, unknown>>;
  /** Routes and addresses before it was. */
  readonly before: string;
}

export class SocketsWorld implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "bunnel-sockets-"));
  readonly client = new LabHost("client", NetworkNamespace.create());
  readonly server = new LabHost("server", NetworkNamespace.create());
  readonly audit = join(this.folder, "state", "audit.log");
  readonly authority = join(this.folder, "certificate.pem");
  readonly stateDir = join(this.folder, "state");
  #serverLines: Lines | undefined;

  /** The next thing that the server says of a TLS connection. */
  async seen(): Promise<{ readonly from: string; readonly records: readonly number[] }> {
    return JSON.parse((await this.#serverLines?.until("{")) ?? "{}") as never;
  }

  /** The path of a profile with this text; the client is ready for a service then. */
  async prepare(profile: string): Promise<string> {
    const path = join(this.folder, "profile.toml");
    // The service that reads it may be somebody else by then.
    chmodSync(this.folder, 0o755);
    writeFileSync(path, profile);
    await succeed(this.client, ["sysctl", "-qw", ...QUIET]);
    return path;
  }

  /**
   * @param service the program of the client, which makes the link, then carries its traffic
   * @param words that it is told besides
   */
  async up(service: string, profile: string, words: readonly string[] = []): Promise<Running> {
    const path = await this.prepare(profile);
    const command = [process.execPath, join(HERE, service), path, this.stateDir, this.server.namespace.path, ...words];
    const child = this.client.spawn(command);
    const errors = child.stderr.text();
    void errors.then((text) => process.env["BUNNEL_TEST_LOUD"] !== undefined && console.error(text));
    const lines = new Lines(child.stdout);
    await lines.until('{"linked"').catch(async (cause: unknown) => {
      throw new Error(`the service did not start: ${await errors}`, { cause });
    });
    await this.serve();
    void child.stdin.write("go\n");
    void child.stdin.flush();
    const uplink = await lines.until('{"uplink"');
    const started = await lines.until('{"up":true').catch(async (cause: unknown) => {
      throw new Error(`the service did not come up: ${await errors}`, { cause });
    });
    const { uplink: before } = JSON.parse(uplink) as { readonly uplink: string };
    return { child, lines, started: JSON.parse(started) as never, before };
  }

  /** Routes and addresses when a service has ended. */
  async left({ lines }: Running): Promise<string> {
    return (JSON.parse(await lines.until('{"left"')) as { readonly left: string }).left;
  }

  /** The server's own addresses, before its links are up: for what listens on them. */
  async addAddresses(): Promise<void> {
    await succeed(this.server, ["sh", "-ec", OWN_ADDRESSES]);
  }

  /** Who is connected to this port of the server's now. */
  async asked(port: number): Promise<string[]> {
    const printed = await succeed(this.server, ["ss", "-Htn", "state", "established", `( sport = :${port} )`]);
    return Array.from(printed.matchAll(/\s\[?(?:::ffff:)?([\da-f.:]+)\]?:\d+\s*$/gm), ([, address = ""]) => address);
  }

  /** Where the links of a service that was killed have stayed, they go for another one's. */
  async unlink(): Promise<void> {
    for (const name of ["eth0", "eth1"]) await this.server.run(["ip", "link", "del", name]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The server's end of the links is brought up; its programs are started once. */
  async serve(): Promise<void> {
    await succeed(this.server, ["sh", "-ec", SERVER_SCRIPT]);
    if (this.#serverLines !== undefined) return;
    const { certificate, key } = makeCertificate([HOST, BLOCKED_NAME]);
    const keyPath = join(this.folder, "key.pem");
    writeFileSync(this.authority, certificate);
    writeFileSync(keyPath, key);
    const peer = [process.execPath, join(HERE, "../stream-peer.ts"), "serve", ...Object.values(SERVER)];
    await new Lines(this.server.spawn(peer).stdout).until("serving");
    const datagrams = [process.execPath, join(HERE, "../datagram-peer.ts"), "serve", ...Object.values(SERVER)];
    await new Lines(this.server.spawn(datagrams).stdout).until("serving");
    const server = this.server.spawn([process.execPath, join(HERE, "server.ts"), this.authority, keyPath]);
    this.#serverLines = new Lines(server.stdout);
    await this.#serverLines.until("serving");
  }
}

/** No address that nobody gave, and no look at where packets come from: other systems do not look. */
const QUIET = [
  "net.ipv6.conf.default.addr_gen_mode=1",
  ...["net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"],
  "net.ipv4.ping_group_range=0 2147483647",
];

const OWN_ADDRESSES = [...Object.values(SERVER), ...Object.values(RESOLVER)]
  .map((address) => `ip addr replace ${address} dev lo`)
  .join("\n");

const SERVER_SCRIPT = `
  ${OWN_ADDRESSES}
  ip addr replace ${GATEWAY[4]}/24 dev eth0
  ip addr replace ${GATEWAY[6]}/64 dev eth0 nodad
  ip link set eth0 up
  ip link set eth1 up 2>/dev/null || exit 0
  ip addr replace ${OTHER_GATEWAY[4]}/24 dev eth1
  ip addr replace ${OTHER_GATEWAY[6]}/64 dev eth1 nodad`;
