import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { defaultProfile } from "@bunnel/profile";
import { shareOut } from "./descriptors.ts";
import { canHaveTables } from "./own-table/own-table.ts";
import { portChoice, socketOfPort } from "./own-table/port-choice.ts";
import { RelayGroup } from "./relay-group.ts";
import type { SocketAddress } from "./relay-options.ts";

// Each waits for sockets; a busy machine should not turn them red.
setDefaultTimeout(240_000);

const HOST = "127.0.0.1";
const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers) close();
});

/** Sends back what comes; an RST for "reset". */
async function echoServer(): Promise<SocketAddress> {
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (octets: Buffer) =>
      octets.toString() === "reset" ? socket.resetAndDestroy() : socket.write(octets),
    );
    socket.on("end", () => socket.end("end"));
  });
  closers.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected an address");
  return { address: HOST, port: address.port };
}

function groupOf(tables: number, more: { readonly late?: boolean; readonly flows?: number } = {}): RelayGroup {
  const { late = false, flows = 1000 } = more;
  const group = RelayGroup.open({
    listen: { address: HOST, port: 0 },
    originalDestination: () => undefined,
    profile: defaultProfile(),
    late,
    flows: { flows, tables },
  });
  closers.push(() => group.close());
  return group;
}

/** A port of this machine that nobody has. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return address !== null && typeof address === "object" ? address.port : 0;
}

/** A connection through the group, whose server was reached before as the backend does it. */
async function through(group: RelayGroup, server: SocketAddress): Promise<Socket> {
  const localPort = await freePort();
  expect(await group.reach(server, { address: HOST, port: localPort })).toBe("connected");
  const socket = createConnection({ host: HOST, port: group.address.port, localPort, allowHalfOpen: true });
  closers.push(() => socket.destroy());
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

function said(socket: Socket): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = "";
  socket.on("data", (octets: Buffer) => (text += octets.toString()));
  socket.on("end", () => resolve(text));
  socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  return promise;
}

/** Sockets that threads of this process have open in tables of their own, each table once. */
function ownTables(): string[][] {
  const own = descriptorsOf(process.pid);
  const all = readdirSync("/proc/self/task").map((task) => descriptorsOf(Number(task)));
  // Threads that the run-time has started beside a relay's have what is left of its table.
  const others = all.filter((table) => table.some((line) => !own.includes(line)));
  return [...new Map(others.map((table) => [table.join("\n"), table])).values()];
}

/** Of what ends meanwhile, a thread or a socket: nothing. */
function descriptorsOf(task: number): string[] {
  const dir = `/proc/self/task/${task}/fd`;
  const names = unlessGone(() => readdirSync(dir)) ?? [];
  return names.flatMap((fd) => {
    const link = unlessGone(() => readlinkSync(`${dir}/${fd}`));
    return link?.startsWith("socket:") === true ? [`${fd} ${link}`] : [];
  });
}

function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await Bun.sleep(5);
}

const isLinux = process.platform === "linux";

describe.if(isLinux)("RelayGroup", () => {
  test("spreads flows by their clients' ports, and each ends as its server ends it", async () => {
    const server = await echoServer();
    const group = groupOf(3);
    const sockets: Socket[] = [];
    for (let i = 0; i < 48; i += 1) sockets.push(await through(group, server));
    await until(() => group.stats.open === sockets.length);
    const expected = [0, 0, 0];
    for (const { localPort = 0 } of sockets) {
      const place = socketOfPort(localPort, 3);
      expected[place] = (expected[place] ?? 0) + 1;
    }
    expect(group.spread).toEqual(expected);
    const answers = sockets.map(said);
    for (const [i, socket] of sockets.entries()) {
      if (i % 3 === 0) socket.write("reset");
      else socket.end(`word ${i} `);
    }
    for (const [i, answer] of (await Promise.all(answers)).entries()) {
      expect(answer).toBe(i % 3 === 0 ? "ECONNRESET" : `word ${i} end`);
    }
    await until(() => group.stats.open === 0);
    expect(group.stats).toMatchObject({ accepted: 48, finished: 32, reset: 16, refused: 0, unknown: 0 });
    expect(await group.flows()).toEqual([]);
    group.close();
    await until(() => ownTables().length === 0);
  });

  test("a relay's table has no socket of others, and theirs has none of its flows", async () => {
    const server = await echoServer();
    const group = groupOf(2);
    await group.start();
    const socket = await through(group, server);
    await until(() => group.stats.open === 1);
    const relays = ownTables();
    // A listener, an inbox; one of both has a flow.
    expect(relays.map((table) => table.length).toSorted((a, b) => a - b)).toEqual([2, 4]);
    const linksOf = (table: readonly string[]): string[] => table.map((line) => line.split(" ")[1] ?? "");
    const own = linksOf(descriptorsOf(process.pid));
    expect(own.length).toBeGreaterThan(0);
    expect(relays.flatMap(linksOf).filter((link) => own.includes(link))).toEqual([]);
    const answer = said(socket);
    socket.end("x");
    expect(await answer).toBe("xend");
    group.close();
    expect(await group.closed).toBeUndefined();
    await until(() => ownTables().length === 0);
  });

  test("with late threads nothing runs before the first connection is wanted", async () => {
    const server = await echoServer();
    const group = groupOf(1, { late: true });
    expect(group.isLate).toBe(true);
    expect(ownTables().length).toBe(0);
    const socket = await through(group, server);
    const answer = said(socket);
    socket.end("late");
    expect(await answer).toBe("lateend");
    // Whatever this process may do, its thread may not.
    const rights = readdirSync("/proc/self/task").map((task) => readFileSync(`/proc/self/task/${task}/status`, "utf8"));
    expect(rights.filter((status) => /^CapEff:\s*0+$/mu.test(status)).length).toBeGreaterThan(0);
    expect(ownTables().length).toBe(1);
    const idle = groupOf(2, { late: true });
    idle.close();
    expect(await idle.closed).toBeUndefined();
  });

  test("leaves no descriptor behind, however often it is opened and closed", async () => {
    const inTable = (): number => readdirSync("/proc/self/fd").length;
    const openAndClose = async (): Promise<void> => {
      const group = groupOf(5);
      await group.start();
      group.close();
      await group.closed;
    };
    const before = inTable();
    for (let i = 0; i < 10; i += 1) await openAndClose();
    // Each relay, of which there were fifty, left two once.
    await until(() => inTable() <= before);
  });

  test("refuses what is beyond the limit of all together", async () => {
    const server = await echoServer();
    const group = groupOf(2, { flows: 3 });
    for (let i = 0; i < 3; i += 1) await through(group, server);
    await until(() => group.stats.open === 3);
    expect(await group.reach(server, { address: HOST, port: await freePort() })).toBe("refused");
    expect(group.stats.overLimit).toBe(1);
  });
});

test.if(isLinux)("canHaveTables() finds that threads of this kernel can, and closes nothing", () => {
  const before = descriptorsOf(process.pid);
  expect(canHaveTables()).toBe(true);
  expect(descriptorsOf(process.pid)).toEqual(before);
});

describe("shareOut()", () => {
  test("takes one table where the limit has room for all, and further ones where it has not", () => {
    expect(shareOut(16_384, 524_288, 612, () => true)).toEqual({ flows: 16_384, tables: undefined });
    expect(shareOut(16_384, 20_000, 612, () => true)).toEqual({ flows: 16_384, tables: 2 });
    expect(shareOut(9_800, 20_000, 612, () => true)).toEqual({ flows: 9_800, tables: 1 });
    expect(shareOut(16_384, 20_000, 612, () => false)).toEqual({ flows: 9_694, tables: undefined });
    expect(shareOut(65_000, 1024, 612, () => true)).toEqual({ flows: 3_072, tables: 8 });
    expect(shareOut(65_000, 200, 612, () => true)).toEqual({ flows: 1, tables: undefined });
  });
});

describe("portChoice()", () => {
  test("has the instructions of struct sock_filter, for either family", () => {
    expect(portChoice(false, 2).length).toBe(32);
    expect(portChoice(true, 2).length).toBe(24);
    expect(new DataView(portChoice(true, 5).buffer).getUint32(4, true)).toBe(0xfff0_0028);
    expect(new DataView(portChoice(true, 5).buffer).getUint32(12, true)).toBe(5);
  });
});
