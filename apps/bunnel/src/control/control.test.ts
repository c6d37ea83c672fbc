import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askControl, isAnswered, watchControl } from "./client.ts";
import { CLIENTS_MAX, ControlError, REQUEST_MAX, REQUESTS_BURST } from "./protocol.ts";
import { ControlServer, type ControlCommands } from "./server.ts";

let folder: string;
let path: string;
let server: ControlServer;
const commands: ControlCommands = {
  echo: (given) => given,
  fail: () => {
    throw new Error("it did not work");
  },
  later: async () => {
    await Bun.sleep(20);
    return "later";
  },
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "bunnel-test-"));
  path = join(folder, "control.sock");
  server = await ControlServer.open(path, commands);
});

afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

/** A client that says what it likes, and hears lines. */
class RawClient implements Disposable {
  #text = "";
  #isClosed = false;

  private constructor(readonly socket: Socket) {
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => (this.#text += chunk));
    socket.on("error", () => (this.#isClosed = true));
    socket.on("close", () => (this.#isClosed = true));
  }

  static async open(): Promise<RawClient> {
    const opened = Promise.withResolvers<void>();
    return new RawClient(connect(path, opened.resolve)).#after(opened.promise);
  }

  async #after(opened: Promise<void>): Promise<RawClient> {
    await opened;
    return this;
  }

  say(text: string): void {
    this.socket.write(text);
  }

  /** The next `count` lines as values. */
  async hear(count: number): Promise<unknown[]> {
    await until(() => this.#text.split("\n").length > count);
    const lines = this.#text.split("\n");
    this.#text = lines.slice(count).join("\n");
    return lines.slice(0, count).map((line): unknown => JSON.parse(line));
  }

  async closed(): Promise<void> {
    await until(() => this.#isClosed);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !condition(); i++) await Bun.sleep(1);
  expect(condition()).toBe(true);
}

describe("the control socket", () => {
  test("is for its owner alone", () => {
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("carries out commands with their arguments, and tells what went wrong with its code", async () => {
    expect(await askControl(path, "ping")).toBe("pong");
    expect(await askControl(path, "echo", { a: [1, "two"] })).toEqual({ a: [1, "two"] });
    expect(await askControl(path, "later")).toBe("later");
    await expect(askControl(path, "fail")).rejects.toMatchObject({ code: "E_FAILED", message: "it did not work" });
    const unknown = askControl(path, "ech");
    await expect(unknown).rejects.toThrow('command: expected one of ping, watch, echo, fail, later, found "ech"');
    await expect(askControl(path, "constructor")).rejects.toMatchObject({ code: "E_COMMAND" });
    const arguments_ = askControl(path, "watch", { events: ["weather"] });
    await expect(arguments_).rejects.toMatchObject({ code: "E_ARGUMENTS", message: expect.stringContaining("events") });
  });

  test("answers many requests on one connection in order, and a thousand on as many", async () => {
    using client = await RawClient.open();
    const count = REQUESTS_BURST;
    for (let id = 0; id < count; id++) {
      client.say(`{"version":1,"id":${id},"command":"${id === 3 ? "later" : "echo"}"}\n`);
    }
    const heard = (await client.hear(count)) as { readonly id: number; readonly ok: boolean }[];
    expect(heard.map(({ id }) => id)).toEqual(Array.from({ length: count }, (_, id) => id));
    expect(heard.every(({ ok }) => ok)).toBe(true);
    for (let i = 0; i < 1000; i++) expect(await askControl(path, "ping")).toBe("pong");
  });

  test("refuses what is no request of this version, and goes on", async () => {
    using client = await RawClient.open();
    const wrong = ["{", "[]", "null", '{"version":2,"command":"ping"}', '{"version":1}', '{"version":1,"command":7}'];
    client.say(`${wrong.join("\n")}\n\n{"version":1,"command":"ping","more":1}\n{"version":1,"command":"ping"}\n`);
    const heard = await client.hear(wrong.length + 2);
    expect(heard.slice(0, -1)).toEqual(
      Array.from({ length: wrong.length + 1 }, () => expect.objectContaining({ ok: false, code: "E_REQUEST" })),
    );
    expect(heard.at(-1)).toEqual({ version: 1, ok: true, result: "pong" });
  });

  test("a request in pieces is one request", async () => {
    using client = await RawClient.open();
    for (const piece of ['{"version":1,', '"command":"pi', 'ng"}', "\n"]) {
      client.say(piece);
      await Bun.sleep(2);
    }
    expect(await client.hear(1)).toMatchObject([{ ok: true, result: "pong" }]);
  });

  test("sends away who says too much, and stays there for others", async () => {
    using client = await RawClient.open();
    client.say("x".repeat(REQUEST_MAX + 1));
    await client.closed();
    expect(await askControl(path, "ping")).toBe("pong");
  });

  test("refuses requests above the rate", async () => {
    using client = await RawClient.open();
    const count = REQUESTS_BURST + 100;
    client.say('{"version":1,"command":"ping"}\n'.repeat(count));
    const heard = (await client.hear(count)) as { readonly ok: boolean; readonly code?: string }[];
    const refused = heard.filter(({ ok }) => !ok);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every(({ code }) => code === "E_BUSY")).toBe(true);
  });

  test("refuses one client more than the limit, and counts that as a living service", async () => {
    using stack = new DisposableStack();
    for (let i = 0; i < CLIENTS_MAX; i++) {
      const client = stack.use(await RawClient.open());
      client.say('{"version":1,"command":"ping"}\n');
      await client.hear(1);
    }
    await expect(askControl(path, "ping")).rejects.toMatchObject({ code: "E_BUSY" });
    expect(await isAnswered(path)).toBe(true);
    stack.dispose();
    await until(() => server.clients === 0);
    expect(await askControl(path, "ping")).toBe("pong");
  });

  test("tells what happens to those who watch for it, until it closes", async () => {
    expect(server.isWatched("reload")).toBe(false);
    const events = await watchControl(path, ["reload", "state"]);
    expect(server.isWatched("reload")).toBe(true);
    expect(server.isWatched("stats")).toBe(false);
    server.notify("stats", 0);
    for (let i = 1; i <= 3; i++) server.notify("reload", { i });
    server.notify("state", { up: false });
    server.close();
    const heard: unknown[] = [];
    for await (const notification of events ?? []) heard.push(notification);
    expect(heard).toEqual([
      ...[1, 2, 3].map((i) => ({ event: "reload", data: { i } })),
      { event: "state", data: { up: false } },
    ]);
  });

  test("who leaves the loop watches no more", async () => {
    const events = await watchControl(path, ["state"]);
    server.notify("state", {});
    for await (const _ of events ?? []) break;
    await until(() => !server.isWatched("state"));
  });
});

describe("where no service runs", () => {
  test("nobody answers: no file, no listener, not a socket", async () => {
    server.close();
    expect(await askControl(path, "ping")).toBeUndefined();
    expect(await watchControl(path, ["state"])).toBeUndefined();
    writeFileSync(join(folder, "file"), "");
    expect(await isAnswered(join(folder, "file"))).toBe(false);
  });

  test("a socket that a killed service left is taken over, a living one is not", async () => {
    const second = ControlServer.open(path, commands);
    await expect(second).rejects.toBeInstanceOf(ControlError);
    await expect(second).rejects.toMatchObject({ code: "E_BUSY" });
    const left = join(folder, "left.sock");
    const listen = `listen(${JSON.stringify(left)}, () => process.kill(process.pid, 9))`;
    const script = `require("node:net").createServer().${listen}`;
    await Bun.spawn([process.execPath, "-e", script]).exited;
    const taken = await ControlServer.open(left, commands);
    expect(await askControl(left, "ping")).toBe("pong");
    taken.close();
  });
});
