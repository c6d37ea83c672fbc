// nginx on the server's machine: a second TLS server, of the kind that most of the web runs.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { LabHost } from "@bunnel/lab/live";
import { BLOCKED_NAME, makeCertificate } from "@bunnel/lab/live";

export const NGINX_PORT = 8443;
const TRIES_MAX = 200;
const TRY_EVERY_MS = 25;

export interface Nginx extends AsyncDisposable {
  /** PEM of the authority that a client has to trust. */
  readonly authority: string;
  /** Where uploads arrive, as PUT /up/<name>, and downloads come from, as GET /down/<name>. */
  readonly folder: string;
}

/** Starts it as a single process that dies with the lab. @param folder for all of its files; it is made */
export async function startNginx(server: LabHost, folder: string): Promise<Nginx> {
  const { certificate, key } = makeCertificate([BLOCKED_NAME]);
  for (const name of ["down", "up", "temp"]) mkdirSync(join(folder, name), { recursive: true });
  await Bun.write(join(folder, "certificate.pem"), certificate);
  await Bun.write(join(folder, "key.pem"), key);
  await Bun.write(join(folder, "nginx.conf"), configuration(folder));
  const child = server.spawn(["nginx", "-e", "stderr", "-c", join(folder, "nginx.conf")]);
  await listening(server, child.exited);
  return {
    authority: certificate,
    folder,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

function configuration(folder: string): string {
  const temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `  ${name}_temp_path ${folder}/temp/${name};`,
  );
  return `daemon off;
master_process off;
pid ${folder}/nginx.pid;
events {}
http {
${temps.join("\n")}
  access_log off;
  client_max_body_size 0;
  server {
    listen ${NGINX_PORT} ssl;
    listen [::]:${NGINX_PORT} ssl;
    ssl_certificate ${folder}/certificate.pem;
    ssl_certificate_key ${folder}/key.pem;
    location /who { return 200 "$ssl_server_name $host $remote_addr"; }
    location /down/ { root ${folder}; }
    location /up/ { root ${folder}; dav_methods PUT; }
  }
}
`;
}

async function listening(server: LabHost, exited: Promise<number>): Promise<void> {
  let ended = false;
  void exited.then(() => (ended = true));
  for (let tries = 0; tries < TRIES_MAX && !ended; tries++) {
    const { stdout } = await server.run(["ss", "-Htln", `sport = :${NGINX_PORT}`]);
    if (stdout.trim().split("\n").length >= 2) return;
    await Bun.sleep(TRY_EVERY_MS);
  }
  throw new Error("nginx did not come to listen on both families");
}
