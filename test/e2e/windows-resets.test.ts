// Proof level wine: relays in the real Windows Bun end connections by RST for each reason that they have. Within Wine
// nobody can see that: its recv gives 0 for an RST, as for an end, and the error is told by poll alone. So whoever
// looks is a program of this system; it sees what left.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { linesOf, mustHave, Wine } from "@bunnel/tun-win32/proof";

// The first start of Wine makes a system's registry; a busy machine should not turn it red.
setDefaultTimeout(240_000);

const LOOPBACK = "127.0.0.1";
const CHILD = "packages/stream/test/windows/resets-child.ts";
const canRun = process.arch === "x64" && mustHave("wine64") && mustHave("x86_64-w64-mingw32-gcc-posix");

if (canRun) describe("a relay in the Windows Bun", provesIt);
else test("Wine cannot be had on this machine, so nothing is shown here", () => expect(canRun).toBe(false));

type Name = "plain" | "closing" | "idle" | "overLimit" | "refused" | "unknown" | "silent";

function provesIt(): void {
  const accepted: Socket[] = [];
  const closers: (() => void)[] = [];
  let child: ReturnType<Wine["start"]>;
  let lines: ReturnType<typeof linesOf>;
  let ports: Readonly<Record<Name, number>>;
  let full: number;

  beforeAll(async () => {
    Wine.fetch();
    const wine = Wine.prepare();
    const silent = createServer({ allowHalfOpen: true }, (socket) => void accepted.push(socket));
    const closed = createServer();
    const [port, closedPort] = [await listen(silent), await listen(closed)];
    closed.close();
    closers.push(() => silent.close());
    child = wine.startQuietly(CHILD, String(port), String(closedPort));
    lines = linesOf(child.stdout);
    ({ ports, full } = JSON.parse(await lines.until('{"full"')) as never);
  });

  afterAll(async () => {
    for (const close of closers) close();
    child.kill("SIGKILL");
    await child.exited;
  });

  const connectTo = (port: number): Socket => {
    const socket = createConnection({ host: LOOPBACK, port, allowHalfOpen: true, noDelay: true });
    closers.push(() => socket.destroy());
    return socket;
  };

  test.each([
    ["refused outside", "refused"],
    ["to nobody knows where", "unknown"],
    ["idle for too long", "idle"],
    ["open when the relay is closed", "closing"],
  ] as const)("a connection that is %s ends by RST", async (_, name) => {
    expect(await endOf(connectTo(ports[name]))).toBe("ECONNRESET");
  });

  test("a connection to whoever does not answer ends by RST when its time is over", async () => {
    const first = connectTo(full);
    await new Promise((resolve) => first.once("connect", resolve));
    expect(await endOf(connectTo(ports.silent))).toBe("ECONNRESET");
  });

  test("one connection more than there may be is turned away by RST", async () => {
    const before = accepted.length;
    connectTo(ports.overLimit);
    while (accepted.length === before) await Bun.sleep(5);
    expect(await endOf(connectTo(ports.overLimit))).toBe("ECONNRESET");
  });

  test("an RST of either side is an RST for the other", async () => {
    const through = async (): Promise<readonly [client: Socket, server: Socket]> => {
      const before = accepted.length;
      const client = connectTo(ports.plain);
      client.write("?");
      while (accepted.length === before) await Bun.sleep(5);
      const server = accepted[before];
      if (server === undefined) throw new Error("expected a connection, found none");
      await new Promise((resolve) => server.once("data", resolve));
      return [client, server];
    };
    const [client, server] = await through();
    server.resetAndDestroy();
    expect(await endOf(client)).toBe("ECONNRESET");
    const [other, seen] = await through();
    other.on("error", () => undefined).resetAndDestroy();
    expect(await endOf(seen)).toBe("ECONNRESET");
  });

  test("and each was counted for its reason", async () => {
    expect(JSON.parse(await lines.until('{"counted"'))).toEqual({ counted: 6 });
    console.log("proof: wine, RST for 8 reasons as this system sees them");
  });
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected an address");
  return address.port;
}

/** The code of the error that a connection ends with; "end" when it ends in order. */
function endOf(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    socket.once("end", () => resolve("end"));
    socket.once("error", (error: Error & { code?: string }) => resolve(error.code));
    socket.resume();
  });
}
