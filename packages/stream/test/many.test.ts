// Ten thousand flows at a time, or as many as this machine lets one process have.
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { parseProfile } from "@bunnel/profile";
import { StreamRelay } from "../src/index.ts";

setDefaultTimeout(120_000);

const WANTED = 10_000;
/** What a flow may take of this process: sockets are the system's. */
const FLOW_MAX_BYTES = 10_000;

function child(...words: readonly string[]) {
  return Bun.spawn([process.execPath, join(import.meta.dir, "many-child.ts"), ...words], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + new TextDecoder().decode(chunk)).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

test("ten thousand flows are open at a time, each is answered, and none takes much", async () => {
  const server = child("server");
  const { value: port = "" } = await linesOf(server.stdout).next();
  using relay = StreamRelay.open({
    listen: { address: "127.0.0.1", port: 0 },
    accept: "translated",
    originalDestination: () => ({ address: "127.0.0.1", port: Number(port) }),
    profile: parseProfile('[[rule]]\nname = "all"\nstrategy = "tls: split(1)"'),
  });
  // Two descriptors a flow; a machine that allows this process less gets as many as that gives.
  const count = Math.min(WANTED, relay.maxFlows);
  expect(count).toBeGreaterThan(400);
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  const client = child("client", String(relay.address.port), String(count));
  const words = linesOf(client.stdout);
  expect((await words.next()).value).toBe("open");
  while (relay.stats.open - relay.stats.connecting < count) await Bun.sleep(10);
  expect(relay.stats).toMatchObject({ accepted: count, open: count, overLimit: 0, refused: 0 });
  expect((process.memoryUsage.rss() - before) / count).toBeLessThan(FLOW_MAX_BYTES);
  void client.stdin.write("go\n");
  await client.stdin.flush();
  expect((await words.next()).value).toBe(String(count));
  await client.exited;
  while (relay.stats.open > 0) await Bun.sleep(10);
  expect(relay.stats.bytesIn).toBe(relay.stats.bytesOut);
  server.kill();
  await server.exited;
});
