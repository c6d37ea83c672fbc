// Two machines on one link, servers on one of them, and what goes over the link as a capture file. Needs root.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { LabHost, makeCertificate, type RunResult } from "@bunnel/lab/live";
import { NetworkNamespace, RouteNetlink } from "@bunnel/tun-linux";
import { said, TempFolder } from "../cli/run.ts";

export const CLIENT = { 4: "192.0.2.7", 6: "2001:db8::7" } as const;
/** nginx: HTTP, TLS 1.2, TLS 1.3, HTTP/2. */
export const WEB = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;
/** HTTP/3 over QUIC, and DNS. */
export const QUIC = { 4: "192.0.2.9", 6: "2001:db8::9" } as const;

const INTERFACE = "eth0";
const TRIES_MAX = 200;
const TRY_EVERY_MS = 25;
/** A packet may be on its way through the capturing program when the client has ended. */
const SETTLE_MS = 150;

export class CaptureLab implements AsyncDisposable {
  private constructor(
    readonly client: LabHost,
    readonly server: LabHost,
    readonly folder: TempFolder,
    /** PEM of the servers' certificate, which is also its own authority. */
    readonly certificate: string,
  ) {}

  /** @param names that the servers' certificate is for */
  static async open(names: readonly string[]): Promise<CaptureLab> {
    const client = new LabHost("client", NetworkNamespace.create());
    const server = new LabHost("server", NetworkNamespace.create());
    const folder = new TempFolder();
    const { certificate, key } = makeCertificate(names);
    const lab = new CaptureLab(client, server, folder, certificate);
    try {
      connect(client, server);
      await Bun.write(folder.file("certificate.pem"), certificate);
      await Bun.write(folder.file("key.pem"), key);
      await startServers(server, folder.path);
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return lab;
  }

  /** Runs a client to its end. @throws Error with its own words when it fails */
  async run(...command: readonly string[]): Promise<RunResult> {
    const env = { HOME: this.folder.path, TMPDIR: this.folder.path };
    const ran = await this.client.run(command, { env, timeoutMs: 20_000 });
    if (ran.status !== 0) throw new Error(`${command.join(" ")}: status ${ran.status}, ${ran.stderr.trim()}`);
    return ran;
  }

  /** What went over the client's link while `work` ran: a pcap file of Ethernet frames, IP only. */
  async capture(work: () => Promise<unknown>): Promise<Uint8Array> {
    const filter = "udp port 53 or port 443 or port 80";
    const words = ["tcpdump", "-i", INTERFACE, "-n", "-s", "0", "-U", "--immediate-mode", "-w", "-", filter];
    const watcher = this.client.spawn(words);
    const file = watcher.stdout.bytes();
    await said(watcher.stderr, "listening on");
    await work();
    await Bun.sleep(SETTLE_MS);
    watcher.kill("SIGINT");
    await watcher.exited;
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.client, this.server].map((host) => host[Symbol.asyncDispose]()));
    this.folder[Symbol.dispose]();
  }
}

function connect(client: LabHost, server: LabHost): void {
  client.inside(() => {
    using netlink = RouteNetlink.open();
    netlink.addVeth(INTERFACE, INTERFACE, { peerNamespaceFd: server.namespace.fd });
  });
  configure(client, [`${CLIENT[4]}/24`, `${CLIENT[6]}/64`]);
  configure(
    server,
    [WEB, QUIC].flatMap((place) => [`${place[4]}/24`, `${place[6]}/64`]),
  );
}

/** Without segmentation offload, so that packets are of the size that a network card would send. */
function configure(host: LabHost, addresses: readonly string[]): void {
  host.inside(() => {
    using netlink = RouteNetlink.open();
    const index = netlink.link(INTERFACE)?.index ?? 0;
    for (const address of addresses) netlink.addAddress(index, address, { noDad: true });
    netlink.setLink(index, { up: true });
    mustRun("ip", "link", "set", "dev", INTERFACE, "gso_max_segs", "1");
    // So that captured checksums are whole; where the program is missing they are not, and nobody here looks at them.
    if (Bun.which("ethtool") !== null) mustRun("ethtool", "-K", INTERFACE, "tx", "off");
  });
}

function mustRun(...command: string[]): void {
  const ran = Bun.spawnSync(command, { stdout: "ignore", stderr: "pipe" });
  if (!ran.success) throw new Error(`${command.join(" ")}: ${ran.stderr.toString().trim()}`);
}

async function startServers(server: LabHost, folder: string): Promise<void> {
  mkdirSync(join(folder, "temp"));
  await Bun.write(join(folder, "nginx.conf"), nginxConfiguration(folder));
  server.spawn(["nginx", "-e", "stderr", "-c", join(folder, "nginx.conf")]);
  const child = server.spawn([process.execPath, join(import.meta.dirname, "quic-server.ts"), folder, QUIC[4], QUIC[6]]);
  await said(child.stdout, "ready");
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const { stdout } = await server.run(["ss", "-Htln", "sport = :443"]);
    if (stdout.includes(`${WEB[4]}:443`) && stdout.includes(`[${WEB[6]}]:443`)) return;
    await Bun.sleep(TRY_EVERY_MS);
  }
  throw new Error("nginx did not come to listen on both families");
}

function nginxConfiguration(folder: string): string {
  const temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `  ${name}_temp_path ${folder}/temp/${name};`,
  );
  const addresses = [WEB[4], `[${WEB[6]}]`];
  return `daemon off;
master_process off;
pid ${folder}/nginx.pid;
events {}
http {
${temps.join("\n")}
  access_log off;
  ssl_certificate ${folder}/certificate.pem;
  ssl_certificate_key ${folder}/key.pem;
  ssl_protocols TLSv1.2 TLSv1.3;
  server {
${addresses.map((address) => `    listen ${address}:80; listen ${address}:443 ssl http2;`).join("\n")}
    default_type text/plain;
    location / { return 200 "as asked\\n"; }
  }
}
`;
}
