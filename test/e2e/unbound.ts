// unbound on the server's machine: a real resolver that speaks DNS over HTTPS, and plain DNS on a port of its own.
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type LabHost, makeCertificate, serverAddress } from "@bunnel/lab/live";

/** DNS over HTTPS, and plain DNS by UDP and TCP. */
export const DOH_PORT = 8453;
export const PLAIN_PORT = 5353;
/** The name in the certificate. */
export const DOH_NAME = "dns.example.org";
/** What the zone says; the injector says something else. */
export const TRUE_V4 = "203.0.113.10";
export const TRUE_V6 = "2001:db8:3::10";

const TRIES_MAX = 400;
const TRY_EVERY_MS = 25;

export interface Unbound extends AsyncDisposable {
  /** PEM of the authority that a client has to trust, in a file. */
  readonly authorityPath: string;
  /** What it has answered over HTTPS so far, as its own figures have it. */
  figures(): Promise<ReadonlyMap<string, number>>;
  /** Stops it from running, and lets it run again. */
  pause(): void;
  goOn(): void;
}

const TEXT = "x".repeat(200);
const SIGNATURE = btoa("whatever: nobody here validates it");

/** The zone: addresses, an HTTPS record (RFC 9460), signatures as they stand, and a name with more than UDP takes. */
const ZONE = `$ORIGIN example.org.
@ 300 IN SOA ns.example.org. admin.example.org. 1 3600 600 86400 60
@ 300 IN NS ns.example.org.
ns 300 IN A ${TRUE_V4}
blocked 300 IN A ${TRUE_V4}
blocked 300 IN AAAA ${TRUE_V6}
blocked 300 IN HTTPS 1 . alpn=h2 ipv4hint=${TRUE_V4}
blocked 300 IN RRSIG A 13 3 300 20360101000000 20250101000000 12345 example.org. ${SIGNATURE}
${Array.from({ length: 12 }, (_, i) => `big 300 IN TXT "${i} ${TEXT}"`).join("\n")}
`;

/** Starts it as a single process that dies with the lab. @param folder for all of its files; it is made */
export async function startUnbound(server: LabHost, folder: string): Promise<Unbound> {
  mkdirSync(folder, { recursive: true });
  const { certificate, key } = makeCertificate([DOH_NAME]);
  const path = (name: string): string => join(folder, name);
  await Bun.write(path("certificate.pem"), certificate);
  await Bun.write(path("key.pem"), key);
  await Bun.write(path("zone"), ZONE);
  await Bun.write(path("unbound.conf"), configuration(folder));
  // The service that reads it is somebody else by then.
  chmodSync(folder, 0o755);
  const child = server.spawn(["unbound", "-d", "-c", path("unbound.conf")]);
  const control = async (word: string): Promise<string | undefined> => {
    const ran = await server.run(["unbound-control", "-c", path("unbound.conf"), word]);
    return ran.status === 0 ? ran.stdout : undefined;
  };
  for (let i = 0; (await control("status")) === undefined; i++) {
    if (i >= TRIES_MAX || child.exitCode !== null) throw new Error(`unbound: ${await child.stderr.text()}`);
    await Bun.sleep(TRY_EVERY_MS);
  }
  return {
    authorityPath: path("certificate.pem"),
    async figures() {
      const text = (await control("stats_noreset")) ?? "";
      return new Map(text.split("\n").map((line) => [line.split("=")[0] ?? "", Number(line.split("=")[1])]));
    },
    pause: () => child.kill("SIGSTOP"),
    goOn: () => child.kill("SIGCONT"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

function configuration(folder: string): string {
  const interfaces = [4, 6] as const;
  return `server:
  chroot: ""
  username: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  do-daemonize: no
  extended-statistics: yes
  module-config: "iterator"
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
${interfaces.map((family) => `  interface: ${serverAddress(family)}@${DOH_PORT}`).join("\n")}
${interfaces.map((family) => `  interface: ${serverAddress(family)}@${PLAIN_PORT}`).join("\n")}
  port: ${PLAIN_PORT}
  https-port: ${DOH_PORT}
  http-endpoint: "/dns-query"
  tls-service-key: "${folder}/key.pem"
  tls-service-pem: "${folder}/certificate.pem"
auth-zone:
  name: "example.org"
  zonefile: "${folder}/zone"
  for-downstream: yes
  for-upstream: no
remote-control:
  control-enable: yes
  control-interface: "${folder}/control"
  control-use-cert: no
`;
}
