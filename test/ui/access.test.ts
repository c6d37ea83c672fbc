// needs root: gives it up. Who the dashboard answers and who not, asked over the wire as browsers and others would.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { connect } from "node:net";
import { PROGRAM, run, TempFolder } from "../cli/run.ts";

setDefaultTimeout(30_000);

const folder = new TempFolder();
let ui: Bun.Subprocess<"ignore", "pipe", "inherit">;
let url: URL;
let session: { readonly cookie: string; readonly key: string };

beforeAll(async () => {
  const words = [...PROGRAM, "ui", "--port", "0", "--state-dir", folder.file("state"), "--json"];
  ui = Bun.spawn(words, { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const { value } = await ui.stdout.getReader().read();
  url = new URL((JSON.parse(new TextDecoder().decode(value)) as { readonly url: string }).url);
  session = await openSession();
});
afterAll(async () => {
  ui?.kill("SIGTERM");
  expect(await ui?.exited).toBe(0);
  folder[Symbol.dispose]();
});

/** A request as it goes over the wire: fetch would not send every header. Returns status, headers and body. */
async function raw(line: string, headers: Readonly<Record<string, string>> = {}, body = "") {
  const lines = Object.entries({ host: url.host, connection: "close", ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const length = body === "" ? [] : [`content-length: ${body.length}`];
  const heard = Promise.withResolvers<string>();
  let text = "";
  const socket = connect(Number(url.port), url.hostname);
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    text += chunk;
    if (isWhole(text)) socket.destroy();
  });
  socket.on("close", () => heard.resolve(text));
  socket.write(`${[`${line} HTTP/1.1`, ...lines, ...length].join("\r\n")}\r\n\r\n${body}`);
  const [head = "", ...rest] = (await heard.promise).split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), head: head.toLowerCase(), body: rest.join("\r\n\r\n") };
}

/** An upgrade keeps the connection, whatever becomes of it. */
function isWhole(text: string): boolean {
  const [head = "", body] = text.split("\r\n\r\n", 2);
  const length = Number(/content-length: (\d+)/iu.exec(head)?.[1] ?? Number.NaN);
  return body !== undefined && (/^HTTP\/1.1 101/u.test(head) || body.length >= length);
}

const JSON_TYPE = { "content-type": "application/json" };
const token = (): string => url.hash.replace("#token=", "");

async function openSession(): Promise<typeof session> {
  const headers = { ...JSON_TYPE, origin: url.origin };
  const body = JSON.stringify({ token: token() });
  const answer = await fetch(`${url.origin}/api/session`, { method: "POST", headers, body });
  expect(answer.status).toBe(200);
  const [cookie = "", ...flags] = (answer.headers.get("set-cookie") ?? "").split("; ");
  expect(flags).toEqual(["HttpOnly", "SameSite=Strict", "Path=/"]);
  const { key } = (await answer.json()) as { readonly key: string };
  return { cookie, key };
}

describe("the page itself", () => {
  test("is there without a token, holds nothing, and forbids everything that is not its own", async () => {
    const { status, head, body } = await raw("GET /");
    expect(status).toBe(200);
    expect(head).toContain("content-security-policy: default-src 'none'; script-src 'self'; style-src 'self';");
    for (const word of [
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
    ]) {
      expect(head).toContain(word);
    }
    expect(head).toContain("x-frame-options: deny");
    expect(head).toContain("x-content-type-options: nosniff");
    expect(head).toContain("referrer-policy: no-referrer");
    expect(head).toContain("cross-origin-resource-policy: same-origin");
    expect(head).not.toContain("access-control-allow-origin");
    expect(body).not.toMatch(/<script(?![^>]*src=)|<style|\son\w+=|https?:\/\//u);
    expect(body).not.toContain(token());
  });

  test("names only files of its own, which are there", async () => {
    const { body } = await raw("GET /");
    const files = [...body.matchAll(/(?:src|href)="([^"#]+)"/gu)].map(([, path = ""]) => path);
    expect(files.length).toBeGreaterThanOrEqual(3);
    for (const file of files) expect((await raw(`GET ${new URL(file, url).pathname}`)).status).toBe(200);
  });

  test.each([
    "/../../../../etc/passwd",
    "/..%2f..%2f..%2fetc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/....//etc/passwd",
    "/dashboard.html",
    "/main.ts",
    "/%00",
    "//etc/passwd",
  ])("%s leads nowhere", async (path) => {
    const { status, body } = await raw(`GET ${path}`);
    expect([400, 404]).toContain(status);
    expect(body).not.toContain("root:");
  });

  test("is only read", async () => {
    expect((await raw("POST /", { origin: url.origin })).status).toBe(405);
  });
});

describe("nobody is answered", () => {
  test.each(["evil.example.org", "127.0.0.1", "127.0.0.1:1", "localhost.example.org:80", "[::1]:80", ""])(
    "who calls this address %p",
    async (host) => {
      for (const path of ["/", "/api/profile"])
        expect([400, 421]).toContain((await raw(`GET ${path}`, { host })).status);
    },
  );

  test.each(["http://evil.example.org", "http://127.0.0.1:1", "https://127.0.0.1", "null"])(
    "from a page of %s",
    async (origin) => {
      const known = { cookie: session.cookie, "x-bunnel-key": session.key, origin };
      expect((await raw("GET /api/profile", known)).status).toBe(403);
      expect(
        (await raw("POST /api/session", { ...JSON_TYPE, origin }, JSON.stringify({ token: token() }))).status,
      ).toBe(403);
    },
  );

  test("who comes from another site, or says nothing of where he changes something from", async () => {
    expect((await raw("GET /", { "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await raw("GET /", { "sec-fetch-site": "same-site" })).status).toBe(403);
    expect((await raw("POST /api/session", JSON_TYPE, JSON.stringify({ token: token() }))).status).toBe(403);
  });

  test("who has no session, or half of one", async () => {
    const { cookie, key } = session;
    const asked = async (headers: Readonly<Record<string, string>>) => (await raw("GET /api/profile", headers)).status;
    expect(await asked({})).toBe(401);
    expect(await asked({ cookie })).toBe(401);
    expect(await asked({ "x-bunnel-key": key })).toBe(401);
    expect(await asked({ cookie, "x-bunnel-key": `${key}x` })).toBe(401);
    expect(await asked({ cookie: `${cookie}x`, "x-bunnel-key": key })).toBe(401);
    expect(await asked({ cookie: "bunnel-session=__proto__", "x-bunnel-key": key })).toBe(401);
    expect(await asked({ cookie, "x-bunnel-key": key })).toBe(200);
  });

  test("who opens the socket without origin, session or protocol", async () => {
    const { cookie, key } = session;
    const upgrade = {
      upgrade: "websocket",
      connection: "upgrade",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    const protocol = { "sec-websocket-protocol": `bunnel-live, bunnel-key.${key}` };
    const opened = async (headers: Readonly<Record<string, string>>) =>
      await raw("GET /api/live", { ...upgrade, ...headers });
    const { origin } = url;
    expect((await opened({ origin, ...protocol })).status).toBe(401);
    expect((await opened({ origin, cookie })).status).toBe(401);
    expect((await opened({ cookie, ...protocol })).status).toBe(403);
    expect((await opened({ origin: "http://evil.example.org", cookie, ...protocol })).status).toBe(403);
    expect((await opened({ origin, cookie, ...protocol, "sec-websocket-protocol": `bunnel-key.${key}` })).status).toBe(
      400,
    );
    const live = await opened({ origin, cookie, ...protocol });
    expect(live.status).toBe(101);
    expect(live.head).toContain("sec-websocket-protocol: bunnel-live\r\n");
    expect(live.head).not.toContain("bunnel-key");
  });
});

describe("who is known", () => {
  test("is told when what he says is not what was expected", async () => {
    const { cookie, key } = session;
    const known = { cookie, "x-bunnel-key": key, origin: url.origin, ...JSON_TYPE };
    const post = async (path: string, body: string, headers = {}) =>
      (await raw(`POST ${path}`, { ...known, ...headers }, body)).status;
    expect(await post("/api/check", "{")).toBe(400);
    expect(await post("/api/check", '{"text":7}')).toBe(400);
    expect(await post("/api/check", '{"text":"","more":1}')).toBe(400);
    expect(await post("/api/check", '{"text":""}', { "content-type": "text/plain" })).toBe(400);
    expect(await post("/api/check", '{"text":""}')).toBe(200);
    expect(await post("/api/preview", '{"text":"","kind":"tls","host":"a b","family":4}')).toBe(400);
    expect(await post("/api/preview", '{"text":"","kind":"tls","host":"a.example.org","family":5}')).toBe(400);
    expect(await post("/api/nothing", "{}")).toBe(404);
    expect((await raw("GET /api/constructor", known)).status).toBe(404);
  });

  test("may not send more than a profile has", async () => {
    const { cookie, key } = session;
    const known = { cookie, "x-bunnel-key": key, origin: url.origin, ...JSON_TYPE, "content-length": String(1 << 30) };
    expect((await raw("POST /api/check", known)).status).toBe(413);
  });
});

describe("the process", () => {
  test("is not root, in none of its threads, and has no capability", async () => {
    const { out } = await run([
      "sh",
      "-c",
      `cat /proc/${ui.pid}/task/*/status | grep -E '^(Uid|Gid|Groups|Cap(Eff|Prm)):' | sort -u`,
    ]);
    const lines = out.trim().split("\n");
    expect(lines.filter((line) => line.startsWith("Uid")).every((line) => !/\t0(\t|$)/u.test(line))).toBe(true);
    expect(lines.filter((line) => line.startsWith("Cap"))).toEqual([
      "CapEff:\t0000000000000000",
      "CapPrm:\t0000000000000000",
    ]);
    expect(lines.find((line) => line.startsWith("Groups"))?.trim()).toBe("Groups:");
  });

  test("listens on loopback alone", async () => {
    const { out } = await run([
      "sh",
      "-c",
      `grep -i ":${Number(url.port).toString(16).padStart(4, "0")} .* 0A " /proc/net/tcp /proc/net/tcp6`,
    ]);
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => line.split(":")[2]?.trim()),
    ).toEqual(["0100007F"]);
  });

  test("says when its port is taken", async () => {
    const ran = await run([...PROGRAM, "ui", "--port", url.port, "--state-dir", folder.file("state")]);
    expect(ran).toMatchObject({ status: 1, out: "" });
    expect(ran.err).toContain(`port ${url.port} of 127.0.0.1 is taken`);
  });

  test("says whose the socket is where it may not look", async () => {
    using own = new TempFolder();
    mkdirSync(own.file("state"), { mode: 0o700 });
    const nobody = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"];
    const ran = await run([...nobody, ...PROGRAM, "ui", "--port", "0", "--state-dir", own.file("state")]);
    expect(ran).toMatchObject({ status: 1, out: "" });
    expect(ran.err).toContain("control.sock: only the service's user and root may open it");
  });

  // The last: nobody is let in for a while after it.
  test("lets nobody try tokens for long", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 30; i++) {
      const body = JSON.stringify({ token: "wrong" });
      statuses.push((await raw("POST /api/session", { ...JSON_TYPE, origin: url.origin }, body)).status);
    }
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    expect(statuses.filter((status) => status === 401).length).toBeLessThan(15);
  });
});
