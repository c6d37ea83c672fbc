import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { createConnection, createServer } from "node:net";
import { parseProfile } from "@bunnel/profile";
import { KEEP_ALIVE_SECONDS } from "./loop/outside.ts";
import { StreamRelay } from "./relay.ts";

setDefaultTimeout(60_000);

const LOOPBACK = "127.0.0.1";
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** The timers of the connections from or to a port, as ss(8) prints them. */
function timersOf(port: number): string[] {
  const { stdout } = Bun.spawnSync(["ss", "-tnoH", "state", "established", `( sport = :${port} )`]);
  return [...stdout.toString().matchAll(/timer:\((\w+),(\w+)/gu)].map(([, name, left]) => `${name} ${left}`);
}

test("both of a flow's connections are asked within the hour whether they are there", async () => {
  expect(KEEP_ALIVE_SECONDS).toBe(3600);
  const reached = Promise.withResolvers<number>();
  const server = createServer((socket) => reached.resolve(socket.remotePort ?? 0));
  closers.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const relay = StreamRelay.open({
    listen: { address: LOOPBACK, port: 0 },
    accept: "translated",
    originalDestination: () => ({ address: LOOPBACK, port }),
    profile: parseProfile('[[rule]]\nname = "all"\nstrategy = "tls: split(1)"'),
  });
  closers.push(() => relay.close());
  const client = createConnection({ host: LOOPBACK, port: relay.address.port });
  closers.push(() => client.destroy());
  const outside = await reached.promise;
  for (const side of [relay.address.port, outside]) {
    expect(timersOf(side)).toEqual([expect.stringMatching(/^keepalive (59|60)min$/u)]);
  }
});
