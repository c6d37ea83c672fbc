// Proof level wine: the service manager of Wine starts what `bunnel service run` is, in the Windows Bun, hears from it
// that it runs, and stops it. A program that only carries traffic would be ended after half a minute without a word.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { mustHave, windowsPath, Wine } from "@bunnel/tun-win32/proof";
import { TempFolder } from "../cli/run.ts";

// The first start of Wine makes a system's registry; a busy machine should not turn it red.
setDefaultTimeout(240_000);

const ROOT = join(import.meta.dirname, "../..");
const WAIT_MS = 120_000;
const canRun = process.arch === "x64" && mustHave("wine64") && mustHave("x86_64-w64-mingw32-gcc-posix");

if (canRun) describe("bunnel as a service of Windows", provesIt);
else test("Wine cannot be had on this machine, so nothing is shown here", () => expect(canRun).toBe(false));

function provesIt(): void {
  Wine.fetch();
  const wine = Wine.prepare().apart();
  const folder = new TempFolder();
  // The system of Wine lasts as long as one of its programs runs.
  const keeper = wine.startQuietly("-e", "await Bun.sleep(600_000)");
  afterAll(async () => {
    wine.remove();
    keeper.kill("SIGKILL");
    await keeper.exited;
    folder[Symbol.dispose]();
  });

  const create = async (name: string, ...words: readonly string[]): Promise<void> => {
    const program = [wine.bun, ...words].join(" ");
    expect((await wine.tool("sc.exe", "create", name, "binPath=", program, "start=", "demand")).exitCode).toBe(0);
  };
  /** State, exit code and own exit code, as the manager knows them. */
  const figures = async (name: string): Promise<readonly number[]> => {
    const { output } = await wine.tool("sc.exe", "query", name);
    return [...output.matchAll(/(?:STATE|CODE)\s*: (\d+)/gu)].map(([, number]) => Number(number));
  };
  const expectSoon = async (name: string, expected: readonly number[]): Promise<void> => {
    const end = performance.now() + WAIT_MS;
    let found = await figures(name);
    while (!Bun.deepEquals(found, expected) && performance.now() < end) {
      await Bun.sleep(200);
      found = await figures(name);
    }
    expect(found).toEqual([...expected]);
  };
  const [RUNNING, STOPPED, OWN_ERROR] = [4, 1, 1066];

  test("it runs when its program is up, and has stopped when the manager wanted that", async () => {
    const port = await freePort();
    const starter = windowsPath(join(ROOT, "test/e2e/sockets/wine-service-manager.ts"));
    await create("bunnel-test", starter, "bunnel-test", windowsPath(folder.path), String(port));
    expect(await isListening(port)).toBe(false);
    expect((await wine.tool("sc.exe", "start", "bunnel-test")).exitCode).toBe(0);
    await expectSoon("bunnel-test", [RUNNING, 0, 0]);
    expect(await isListening(port)).toBe(true);
    expect((await wine.tool("sc.exe", "stop", "bunnel-test")).exitCode).toBe(0);
    await expectSoon("bunnel-test", [STOPPED, 0, 0]);
    expect(await isListening(port)).toBe(false);
  });

  test("what cannot start is a failure to the manager, and the log has the reason", async () => {
    const main = windowsPath(join(ROOT, "apps/bunnel/src/main.ts"));
    const profile = folder.file("wrong.toml");
    await Bun.write(profile, "wrong = 1\n");
    const state = ["--state-dir", windowsPath(folder.path)];
    await create("bunnel", main, "service", "run", "--", "--profile", windowsPath(profile), ...state);
    await wine.tool("sc.exe", "start", "bunnel");
    await expectSoon("bunnel", [STOPPED, OWN_ERROR, 2]);
    const log = folder.file("service.log");
    expect(existsSync(log)).toBe(true);
    expect(readFileSync(log, "utf8")).toContain("wrong.toml:1:1: wrong: unknown key");
  });

  test("without a manager it says so", async () => {
    const { exitCode, output } = await wine.run("apps/bunnel/src/main.ts", "service", "run");
    expect(output).toContain("service run: expected the service manager of Windows to start it, found no manager");
    expect(exitCode).toBe(1);
  });
}

async function freePort(): Promise<number> {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port = 0 } = server;
  await server.stop(true);
  return port;
}

function isListening(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createConnection({ host: "127.0.0.1", port });
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
