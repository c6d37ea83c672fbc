// `bunnel proxy` as a user runs it, without privilege: what each key of `[proxy]` and `[stream]` does to it.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createConnection, createServer, type Socket } from "node:net";
import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { clientHello } from "@bunnel/wire";
import { bunnel, PROGRAM, TempFolder } from "./run.ts";

setDefaultTimeout(60_000);

const RULE = '[[rule]]\nname = "all"\nstrategy = "tls: tlsrec(1)  http: split(host+2)"\n';
const LISTEN = '[proxy]\nlisten = ["127.0.0.1:0"]\n';
const SOCKS_HELLO = Uint8Array.of(5, 1, 0);

class Running implements AsyncDisposable {
  private constructor(
    readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">,
    private readonly lines: AsyncIterator<string>,
    readonly report: {
      readonly listen: readonly string[];
      readonly leftOut: readonly { readonly technique: string }[];
    },
  ) {}

  static async start(args: readonly string[]): Promise<Running> {
    const child = Bun.spawn([...PROGRAM, "proxy", "--json", ...args], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const lines = linesOf(child.stdout);
    const first = await lines.next();
    if (first.done === true) throw new Error(await child.stderr.text());
    return new Running(child, lines, JSON.parse(first.value) as Running["report"]);
  }

  get port(): number {
    return Number(this.report.listen[0]?.split(":").at(-1));
  }

  /** Ends it; what it has counted. */
  async stop(): Promise<Readonly<Record<string, number>>> {
    this.child.kill("SIGTERM");
    const last = (await this.lines.next()).value as string;
    expect(await this.child.exited).toBe(0);
    return (JSON.parse(last) as { stats: Record<string, number> }).stats;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + new TextDecoder().decode(chunk)).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** Runs it with a profile of these lines. */
async function withProfile(lines: string, act: (proxy: Running, path: string) => Promise<void>): Promise<void> {
  using folder = new TempFolder();
  const path = folder.file("profile.toml");
  writeFileSync(path, lines);
  await using proxy = await Running.start(["--profile", path]);
  await act(proxy, path);
}

function connect(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: "127.0.0.1", port, allowHalfOpen: true }, () => resolve(socket));
    socket.on("error", reject);
  });
}

/** The next octets that come, as hexadecimal digits; "end" or the error's code when nothing does. */
function next(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once("data", (data: Buffer) => resolve(data.toString("hex")));
    socket.once("end", () => resolve("end"));
    socket.removeAllListeners("error").once("error", (error: Error & { code?: string }) => resolve(error.code ?? ""));
  });
}

/** A connection through the proxy to a port of this machine; the reply's code. */
async function through(proxy: Running, port: number): Promise<{ readonly socket: Socket; readonly reply: string }> {
  const socket = await connect(proxy.port);
  socket.write(SOCKS_HELLO);
  expect(await next(socket)).toBe("0500");
  socket.write(Uint8Array.of(5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 0xff));
  return { socket, reply: (await next(socket)).slice(0, 4) };
}

async function server(serve: (socket: Socket) => void): Promise<{ readonly port: number; close(): void }> {
  const listener = createServer(serve);
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  return { port: typeof address === "object" ? (address?.port ?? 0) : 0, close: () => void listener.close() };
}

describe("bunnel proxy", () => {
  test("listens where [proxy] says, on several addresses, and treats what passes", async () => {
    const arrived: Buffer[] = [];
    const end = await server((socket) => socket.on("data", (data: Buffer) => arrived.push(data)));
    await withProfile(`[proxy]\nlisten = ["127.0.0.1:0", "[::1]:0"]\n${RULE}`, async (proxy) => {
      expect(proxy.report.listen.map((at) => at.replace(/\d+$/, ""))).toEqual(["127.0.0.1:", "[::1]:"]);
      const { socket, reply } = await through(proxy, end.port);
      expect(reply).toBe("0500");
      const hello = clientHello({ serverName: "video.example.org" });
      socket.write(hello);
      while (Buffer.concat(arrived).length < hello.length + 5) await Bun.sleep(5);
      socket.destroy();
      expect(await proxy.stop()).toMatchObject({ accepted: 1, treated: 1 });
    });
    end.close();
  });

  test("remote: other addresses than loopback only when that is meant", async () => {
    const refused = await bunnel(["proxy", "--listen", "0.0.0.0:0"]);
    expect(refused).toMatchObject({ status: 2, out: "" });
    expect(refused.err).toBe("bunnel: 0.0.0.0:0 is reached by other machines: give --remote if that is meant\n");
    await withProfile(`[proxy]\nlisten = ["0.0.0.0:0"]\nremote = true\n`, async (proxy) => {
      expect(proxy.report.listen[0]).toStartWith("0.0.0.0:");
      await proxy.stop();
    });
  });

  test("user and password are asked for", async () => {
    await withProfile(`${LISTEN}user = "me"\npassword = "secret"\n`, async (proxy) => {
      const say = async (...messages: readonly Uint8Array[]) => {
        const socket = await connect(proxy.port);
        let last = "";
        for (const message of messages) {
          socket.write(message);
          last = await next(socket);
        }
        socket.destroy();
        return last;
      };
      const credentials = (password: string) =>
        Buffer.concat([Uint8Array.of(1, 2), Buffer.from("me"), Uint8Array.of(password.length), Buffer.from(password)]);
      expect(await say(SOCKS_HELLO)).toBe("05ff");
      expect(await say(Uint8Array.of(5, 1, 2), credentials("secret"))).toBe("0100");
      expect(await say(Uint8Array.of(5, 1, 2), credentials("wrong"))).toBe("0101");
    });
  });

  test("udp: SOCKS datagrams may be forbidden, and their sockets are as many and as old as [stream] says", async () => {
    const associate = async (proxy: Running) => {
      const socket = await connect(proxy.port);
      socket.write(SOCKS_HELLO);
      await next(socket);
      socket.write(Uint8Array.of(5, 3, 0, 1, 0, 0, 0, 0, 0, 0));
      return { socket, reply: await next(socket) };
    };
    await withProfile(`${LISTEN}udp = false\n`, async (proxy) => {
      expect((await associate(proxy)).reply).toStartWith("0502");
    });
    const sockets = "[stream]\nmax_datagram_sessions = 1\ndatagram_timeout_seconds = 1\n";
    await withProfile(LISTEN + sockets, async (proxy) => {
      const ports: number[] = [];
      const echo = createSocket("udp4", (_, from) => ports.push(from.port));
      await new Promise<void>((resolve) => echo.bind(0, "127.0.0.1", resolve));
      const clients = await Promise.all([associate(proxy), associate(proxy)]);
      const senders = clients.map(({ reply }) => {
        const to = Number.parseInt(reply.slice(16, 20), 16);
        const from = createSocket("udp4");
        const head = Uint8Array.of(0, 0, 0, 1, 127, 0, 0, 1, echo.address().port >> 8, echo.address().port & 0xff);
        const send = async () => {
          const { length } = ports;
          while (ports.length === length) {
            from.send(head, to, "127.0.0.1");
            await Bun.sleep(20);
          }
          return ports.at(-1);
        };
        return { send, close: () => from.close() };
      });
      const [one, two] = senders;
      const first = await one?.send();
      expect(await one?.send()).toBe(first as number);
      // One socket for both: the other client's drives it out, and so does time.
      const other = await two?.send();
      const second = await one?.send();
      expect(new Set([first, other, second]).size).toBe(3);
      await Bun.sleep(2200);
      expect(await one?.send()).not.toBe(second as number);
      for (const sender of senders) sender.close();
      for (const { socket } of clients) socket.destroy();
      echo.close();
    });
  });

  test("max_flows and idle_timeout_seconds end what is too much and what is too old", async () => {
    const end = await server(() => undefined);
    await withProfile(`${LISTEN}[stream]\nmax_flows = 1\nidle_timeout_seconds = 1\n`, async (proxy) => {
      const { socket } = await through(proxy, end.port);
      const second = await connect(proxy.port);
      expect(await next(second)).toBe("ECONNRESET");
      expect(await next(socket)).toBe("ECONNRESET");
      expect(await proxy.stop()).toMatchObject({ overLimit: 1, idled: 1 });
    });
    end.close();
  });

  test("connect_timeout_seconds and message_timeout_ms bound how long is waited", async () => {
    const arrived: Buffer[] = [];
    const end = await server((socket) => socket.on("data", (data: Buffer) => arrived.push(data)));
    // Its one place for a connection that nobody accepts is taken.
    const full = Bun.spawn(["python3", "-c", FULL_LISTENER], { stdout: "pipe", stdin: "pipe" });
    const { value: port } = await linesOf(full.stdout).next();
    const stream = "[stream]\nconnect_timeout_seconds = 1\nmessage_timeout_ms = 50\n";
    await withProfile(LISTEN + stream + RULE, async (proxy) => {
      const { socket } = await through(proxy, end.port);
      socket.write(clientHello({ serverName: "video.example.org" }).subarray(0, 60));
      while (Buffer.concat(arrived).length < 60) await Bun.sleep(5);
      const unreachable = await through(proxy, Number(port));
      expect(unreachable.reply).toBe("0504");
      const gone = next(unreachable.socket);
      unreachable.socket.end();
      expect(await gone).toBe("end");
      await Bun.sleep(100);
      expect(await proxy.stop()).toMatchObject({ refused: 1, treated: 0 });
    });
    full.kill();
    end.close();
  });

  test("says what sockets cannot carry out, and does the rest", async () => {
    const strategy = "tls: fake(badsum) split(1) ipid(zero)";
    await using proxy = await Running.start(["--listen", "127.0.0.1:0", "--strategy", strategy]);
    expect(proxy.report.leftOut.map(({ technique }) => technique)).toEqual(["fake", "ipid"]);
  });

  test("SIGHUP reads the profile again; a wrong one is said and changes nothing", async () => {
    const arrived: Buffer[] = [];
    const end = await server((socket) => socket.on("data", (data: Buffer) => arrived.push(data)));
    await withProfile(`${LISTEN}${RULE}`, async (proxy, path) => {
      const words = linesOf(proxy.child.stderr);
      writeFileSync(path, "[[rule]]\nname = 1");
      proxy.child.kill("SIGHUP");
      expect((await words.next()).value).toStartWith("bunnel: the profile stays as it was: ");
      writeFileSync(path, `${LISTEN}[[rule]]\nname = "all"\nstrategy = "tls: tlsrec(1, 2, 3)"\n`);
      let word: unknown = "";
      proxy.child.kill("SIGHUP");
      while (word !== "bunnel: the profile was read again") word = (await words.next()).value;
      const { socket } = await through(proxy, end.port);
      const hello = clientHello({ serverName: "video.example.org" });
      socket.write(hello);
      while (Buffer.concat(arrived).length < hello.length + 15) await Bun.sleep(5);
      socket.destroy();
    });
    end.close();
  });
});

const FULL_LISTENER = `
import socket, sys
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(0)
taken = socket.create_connection(listener.getsockname())
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
`;
