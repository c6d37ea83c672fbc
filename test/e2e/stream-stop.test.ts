// needs root: network namespaces, a TUN device and raw sockets.
// Whoever has a connection that sockets carry hears of it when the service ends, however many there are: the reset of
// none is lost in the device's queue, which is shorter than they are many. Needs root, /dev/net/tun, nft.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type LiveLab, serverAddress } from "@bunnel/lab/live";
import { createLab, METHODS } from "./lab.ts";

setDefaultTimeout(240_000);

/** More than the 1000 packets of a device's queue. */
const MANY = 1500;
const PORT = 7001;
const PATIENCE_MS = 60_000;
const PROFILE = `[[rule]]\nname = "stream"\nports = [${PORT}]\negress = "stream"\nstrategy = "tls: split(1)"\n`;

/** Keeps what connects. */
const SERVE = `
import { createServer } from "node:net";
const kept = [];
createServer((socket) => kept.push(socket.on("error", () => {}))).listen(
  { host: process.argv[1], port: ${PORT}, backlog: 4096 }, () => console.log("ready"));`;

/** Holds connections, and says how many were reset. */
const HOLD = `
import { connect } from "node:net";
let resets = 0;
const { promise, resolve } = Promise.withResolvers();
for (let i = 0; i < ${MANY}; i++) {
  const socket = connect(${PORT}, process.argv[1]);
  await new Promise((done, failed) => socket.once("connect", done).once("error", failed));
  socket.on("error", ({ code }) => code === "ECONNRESET" && ++resets === ${MANY} && resolve());
}
console.log("open");
await Promise.race([promise, Bun.sleep(${PATIENCE_MS})]);
console.log(resets);
process.exit();`;

let lab: LiveLab;
beforeAll(async () => {
  lab = await createLab();
  const server = lab.server.spawn([process.execPath, "-e", SERVE, serverAddress(4)]);
  await server.stdout.getReader().read();
});
afterAll(() => lab?.[Symbol.asyncDispose]());

describe.each(METHODS)("with method %s", (method) => {
  test("every connection is reset when the service ends", async () => {
    const service = await lab.up({ profile: PROFILE, method });
    const { stdout } = lab.client.spawn([process.execPath, "-e", HOLD, serverAddress(4)]);
    const said = stdout.getReader();
    const next = async (): Promise<string> => new TextDecoder().decode((await said.read()).value).trim();
    expect(await next()).toBe("open");
    const { report } = await service.stop();
    expect(report?.["streamed"]).toMatchObject({ accepted: MANY });
    expect(await next()).toBe(String(MANY));
  });
});
