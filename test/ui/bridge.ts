// A port of loopback in one namespace, reached at the same port of this process's loopback: a program in a lab is used
// by a browser outside. Octets go by a socket in the file system, which namespaces of networks share.
import { connect, createServer, type Server, type Socket } from "node:net";
import type { LabHost } from "@bunnel/lab/live";

/** Until it is disposed. @param path of a socket that nobody has used */
export async function bridge(host: LabHost, port: number, path: string): Promise<AsyncDisposable> {
  const inside = host.spawn([process.execPath, import.meta.path, String(port), path]);
  // Its first word says that it listens.
  await inside.stdout.getReader().read();
  const server = createServer((socket) => join(socket, connect(path)));
  await listening(server, { port, host: "127.0.0.1" });
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      inside.kill("SIGKILL");
      await inside.exited;
    },
  };
}

function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
  }
}

function listening(server: Server, where: { readonly port: number; readonly host: string } | string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  if (typeof where === "string") server.listen(where, resolve);
  else server.listen(where.port, where.host, resolve);
  return promise;
}

if (import.meta.main) {
  const [port = "", path = ""] = process.argv.slice(2);
  await listening(
    createServer((socket) => join(socket, connect(Number(port), "127.0.0.1"))),
    path,
  );
  process.stdout.write("ready\n");
}
