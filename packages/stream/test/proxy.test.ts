// What people use a proxy with: curl, openssl, a SOCKS client's datagrams; on loopback, without privilege.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createSocket } from "node:dgram";
import { createConnection, type Socket } from "node:net";
import { parseProfile } from "@bunnel/profile";
import { StreamRelay } from "../src/index.ts";

setDefaultTimeout(60_000);

const LOOPBACK = "127.0.0.1";
const PROFILE = parseProfile(`[[rule]]
name = "all"
strategy = "tls: tlsrec(1) split(1)  http: split(host+2) hosttab httphost(mixed)"`);
const NAMES: Readonly<Record<string, readonly string[]>> = {
  "one.example.org": [LOOPBACK],
  "two.example.org": ["127.0.0.2"],
  "six.example.org": ["::1"],
};

const relay = StreamRelay.open({
  listen: { address: LOOPBACK, port: 0 },
  accept: "proxy",
  profile: PROFILE,
  datagrams: { sessionsMax: 16, idleMs: 60_000 },
  resolve: (name) => Promise.resolve(NAMES[name] ?? []),
});
const proxy = `${LOOPBACK}:${relay.address.port}`;
const server = Bun.serve({
  port: 0,
  hostname: "0.0.0.0",
  fetch: async (request, self) =>
    new Response(
      `${request.method} ${request.url} ${self.requestIP(request)?.address} ${(await request.text()).length}\n`,
    ),
});
const port = server.port ?? 0;
afterAll(async () => {
  relay.close();
  await server.stop(true);
});

async function curl(...words: readonly string[]): Promise<{ readonly status: number; readonly out: string }> {
  const child = Bun.spawn(["curl", "-sS", "-m", "20", "--noproxy", "", ...words], { stdout: "pipe", stderr: "pipe" });
  const [out, err, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { status, out: out + err };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await Bun.sleep(5);
}

describe("a proxy with curl", () => {
  test.each([
    ["socks5h", ["-x", `socks5h://${proxy}`]],
    ["CONNECT", ["-p", "-x", `http://${proxy}`]],
    ["plain HTTP", ["-x", `http://${proxy}`]],
  ])("%s: two requests, both treated", async (_, words) => {
    const { treated } = relay.stats;
    const url = (path: string) => `http://one.example.org:${port}${path}`;
    const { status, out } = await curl(...words, url("/a"), url("/b?c"));
    expect(out.split("\n").slice(0, 2)).toEqual([`GET ${url("/a")} ${LOOPBACK} 0`, `GET ${url("/b?c")} ${LOOPBACK} 0`]);
    expect(status).toBe(0);
    expect(relay.stats.treated - treated).toBe(2);
  });

  test("plain HTTP: requests of one connection reach the hosts that they name", async () => {
    const { accepted } = relay.stats;
    const request = (host: string, path: string) =>
      `GET http://${host}:${port}${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nProxy-Connection: keep-alive\r\n\r\n`;
    const socket = await connect();
    const hosts = ["one.example.org", "two.example.org", "one.example.org", "one.example.org"];
    for (const [index, host] of hosts.entries()) {
      socket.write(request(host, `/${index}`));
      await until(() => text(socket).includes(`/${index} `));
    }
    expect(
      [...text(socket).matchAll(/GET http:\/\/(\S+):\d+\/(\d)/g)].map(([, host, path]) => `${host} ${path}`),
    ).toEqual(hosts.map((host, index) => `${host} ${index}`));
    expect(relay.stats.accepted - accepted).toBe(1);
    socket.destroy();
  });

  test("an upload of both framings arrives whole", async () => {
    const url = `http://one.example.org:${port}/up`;
    const body = "x".repeat(300_000);
    for (const header of ["Expect:", "Transfer-Encoding: chunked"]) {
      const child = Bun.spawn(["curl", "-sS", "-x", `http://${proxy}`, "--data-binary", "@-", "-H", header, url], {
        stdin: new Blob([body]),
        stdout: "pipe",
      });
      expect(await child.stdout.text()).toBe(`POST ${url} ${LOOPBACK} 300000\n`);
    }
  });

  test("IPv6, and the second address where the first does not answer", async () => {
    const six = Bun.serve({ port: 0, hostname: "::1", fetch: () => new Response("six") });
    expect((await curl("-x", `socks5h://${proxy}`, `http://six.example.org:${six.port}/`)).out).toBe("six");
    expect((await curl("-x", `socks5://${proxy}`, `http://[::1]:${six.port}/`)).out).toBe("six");
    await six.stop(true);
  });

  test("what cannot be connected is said by its reason", async () => {
    const closed = Bun.serve({ port: 0, hostname: LOOPBACK, fetch: () => new Response() });
    const gone = closed.port;
    await closed.stop(true);
    const refused = await curl("-x", `socks5h://${proxy}`, `http://one.example.org:${gone}/`);
    expect(refused).toMatchObject({ status: 97, out: expect.stringContaining("(5)") });
    const unknown = await curl("-x", `socks5h://${proxy}`, "http://none.example.org/");
    expect(unknown).toMatchObject({ status: 97, out: expect.stringContaining("(4)") });
    const answer = await curl("-x", `http://${proxy}`, `http://one.example.org:${gone}/`);
    expect(answer.out).toBe(`one.example.org:${gone}: the connection was refused\n`);
    const tunnel = await curl("-p", "-x", `http://${proxy}`, "http://none.example.org/");
    expect(tunnel).toMatchObject({ status: 56, out: expect.stringContaining("502") });
  });

  test("TLS: openssl reads a hello in two records and two segments", async () => {
    const folder = await keyFiles();
    const tls = Bun.spawn(
      [
        "openssl",
        "s_server",
        "-accept",
        `${LOOPBACK}:0`,
        "-key",
        `${folder}/key.pem`,
        "-cert",
        `${folder}/cert.pem`,
        "-www",
      ],
      { stdout: "pipe", stderr: "ignore" },
    );
    const [, tlsPort] = /^ACCEPT .*:(\d+)$/m.exec(await textUntil(tls.stdout, /^ACCEPT .*\n/m)) ?? [];
    const { treated } = relay.stats;
    const { out } = await curl("-k", "-x", `socks5h://${proxy}`, `https://one.example.org:${tlsPort}/`);
    expect(out).toContain("s_server");
    expect(relay.stats.treated - treated).toBe(1);
    tls.kill();
    await tls.exited;
  });
});

describe("a proxy with others", () => {
  test("SOCKS datagrams go out and come back, by address and by name", async () => {
    const echo = createSocket("udp4", (message, from) => echo.send(`<${message.toString()}>`, from.port, from.address));
    await new Promise<void>((resolve) => echo.bind(0, LOOPBACK, resolve));
    const socket = await connect();
    socket.write(Uint8Array.of(5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0));
    await until(() => bytes(socket).length === 12);
    const reply = bytes(socket).subarray(2);
    expect(reply.subarray(0, 4).toString("hex")).toBe("05000001");
    const at = { address: [...reply.subarray(4, 8)].join("."), port: reply.readUInt16BE(8) };
    const answers: string[] = [];
    const client = createSocket("udp4", (message) => answers.push(message.toString("latin1")));
    const echoPort = Buffer.alloc(2);
    echoPort.writeUInt16BE(echo.address().port);
    const send = (target: Uint8Array, payload: string) =>
      client.send(Buffer.concat([Uint8Array.of(0, 0, 0), target, echoPort, Buffer.from(payload)]), at.port, at.address);
    send(Uint8Array.of(1, 127, 0, 0, 1), "by address");
    await until(() => answers.length === 1);
    send(Buffer.from("\x03\x0fone.example.org", "latin1"), "by name");
    await until(() => answers.length === 2);
    expect(answers.map((answer) => answer.slice(10))).toEqual(["<by address>", "<by name>"]);
    client.close();
    echo.close();
    const { open } = relay.stats;
    socket.destroy();
    await until(() => relay.stats.open === open - 1);
  });

  test("hostile octets end their own connection and nothing else", async () => {
    const { accepted, open } = relay.stats;
    const junk = [
      ...Array.from({ length: 40 }, () => crypto.getRandomValues(new Uint8Array(1 + Math.floor(Math.random() * 2000)))),
      ...[
        "\x05\x00",
        "\x04\x01\x00\x50",
        "GET / HTTP/1.1\r\n\r\n",
        "CONNECT :0 HTTP/1.1\r\n\r\n",
        "\x05\x01\x00\x05\x01\x00\x03\xff",
      ],
      `GET http://one.example.org:${port}/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n`,
      `CONNECT ${"a".repeat(70_000)}`,
      ...[
        "CONNECT 1.2.3:80 HTTP/1.1\r\n\r\n",
        "GET http://[::1::]:80/ HTTP/1.1\r\n\r\n",
        "CONNECT a%00:1 HTTP/1.1\r\n\r\n",
      ],
      "\x05\x01\x00\x05\x01\x00\x03\x00\x00\x50",
    ];
    const sockets = await Promise.all(junk.map(() => connect()));
    for (const [index, socket] of sockets.entries()) socket.end(junk[index] ?? "");
    await until(() => relay.stats.accepted - accepted === junk.length);
    await Bun.sleep(50);
    for (const socket of sockets) socket.destroy();
    await until(() => relay.stats.open === open);
    expect((await curl("-x", `http://${proxy}`, `http://one.example.org:${port}/ok`)).out).toContain("/ok");
  });
});

const received = new WeakMap<Socket, Buffer[]>();

function connect(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: LOOPBACK, port: relay.address.port, noDelay: true, allowHalfOpen: true });
    const chunks: Buffer[] = [];
    received.set(socket, chunks);
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", reject);
    socket.once("connect", () => resolve(socket));
  });
}

function bytes(socket: Socket): Buffer {
  return Buffer.concat(received.get(socket) ?? []);
}

function text(socket: Socket): string {
  return bytes(socket).toString("latin1");
}

async function keyFiles(): Promise<string> {
  const folder = `${process.env["TMPDIR"] ?? "/tmp"}/bunnel-proxy-test-${process.pid}`;
  const words = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=example.org"];
  const make = `mkdir -p "$0" && openssl req ${words.join(" ")} -keyout "$0/key.pem" -out "$0/cert.pem" 2>/dev/null`;
  await Bun.spawn(["sh", "-c", make, folder]).exited;
  closers.push(() => Bun.spawnSync(["rm", "-r", folder]));
  return folder;
}

const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers) close();
});

async function textUntil(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<string> {
  const reader = stream.getReader();
  let all = "";
  while (!pattern.test(all)) {
    const { value, done } = await reader.read();
    if (done) break;
    all += new TextDecoder().decode(value);
  }
  reader.releaseLock();
  return all;
}
