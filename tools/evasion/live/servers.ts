// The real servers behind the boxes: nginx for HTTP, TLS 1.2, TLS 1.3 and HTTP/2, and ngtcp2's server for HTTP/3.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { BLOCKED_NAME, type LabHost, type LiveLab } from "@bunnel/lab/live";

/** What a client asks for: `/who` is told by the server itself, the others are files. */
export const WHO_PATH = "/who";
/** The same with more octets behind it, for boxes that count those of the server. */
export const LONG_PATH = "/long.json";
/** The same as a page that a browser shows. */
export const PAGE_PATH = "/who.html";

const LONG_BYTES = 24_576;
const TRIES_MAX = 200;
const TRY_EVERY_MS = 25;
const FILE_ANSWER = { host: BLOCKED_NAME, serverName: null };

/** Starts both on all addresses of the server; they end with the lab. @param folder for all of their files */
export async function startServers({ server, certificate, families }: LiveLab, folder: string): Promise<void> {
  mkdirSync(join(folder, "temp"), { recursive: true });
  const [key, chain] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  await Bun.write(key, certificate.key);
  await Bun.write(chain, certificate.certificate);
  await Bun.write(join(folder, "www", PAGE_PATH), JSON.stringify(FILE_ANSWER));
  await Bun.write(join(folder, "www", LONG_PATH), JSON.stringify({ ...FILE_ANSWER, more: "x".repeat(LONG_BYTES) }));
  await Bun.write(join(folder, "nginx.conf"), nginxConfiguration(folder, families));
  const children = [
    server.spawn(["nginx", "-e", "stderr", "-c", join(folder, "nginx.conf")]),
    server.spawn(["gtlsserver", "-q", "-d", join(folder, "www"), "*", "443", key, chain]),
  ];
  await listening(server, children);
}

function nginxConfiguration(folder: string, families: readonly (4 | 6)[]): string {
  const temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `  ${name}_temp_path ${folder}/temp/${name};`,
  );
  const listen = (words: string): string =>
    families.map((family) => `listen ${family === 6 ? "[::]:" : ""}${words};`).join(" ");
  // The first server of a port is also that of names nobody asks for: it tells them, and has no files for them.
  const sites = [
    siteOf(listen("80"), "null", undefined),
    siteOf(listen("80"), "null", `${folder}/www`),
    siteOf(listen("443 ssl http2"), '"$ssl_server_name"', undefined),
    siteOf(listen("443 ssl http2"), '"$ssl_server_name"', `${folder}/www`),
  ];
  return `daemon off;
master_process off;
pid ${folder}/nginx.pid;
events {}
http {
${temps.join("\n")}
  access_log off;
  types { application/json json; text/html html; }
  ssl_certificate ${folder}/certificate.pem;
  ssl_certificate_key ${folder}/key.pem;
  ssl_protocols TLSv1.2 TLSv1.3;
${sites.join("\n")}
}
`;
}

/** @param root of its files; undefined: it is for all names but the blocked one, and has none */
function siteOf(listen: string, serverName: string, root: string | undefined): string {
  const answer = `{"host":"$host","serverName":${serverName}}`;
  const who = `location ${WHO_PATH} { default_type application/json; return 200 '${answer}'; }`;
  const whom = root === undefined ? "server_name _;" : `server_name ${BLOCKED_NAME}; root ${root};`;
  return `  server { ${listen} ${whom} ${who} }`;
}

/** Waits until both have their ports. @throws Error with a server's own words when it ends before */
async function listening(server: LabHost, children: readonly Bun.Subprocess<"pipe", "pipe", "pipe">[]): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const ended = children.find(({ exitCode }) => exitCode !== null);
    if (ended !== undefined) throw new Error(`server: expected it to run, it ended: ${await ended.stderr.text()}`);
    const { stdout } = await server.run(["ss", "-Htuln", "sport = :443 or sport = :80"]);
    const lines = stdout.trim().split("\n");
    const streams = lines.filter((line) => line.startsWith("tcp")).length;
    if (streams >= 2 && lines.some((line) => line.startsWith("udp"))) return;
    await Bun.sleep(TRY_EVERY_MS);
  }
  throw new Error("servers: expected them to listen on ports 80 and 443, they did not");
}
