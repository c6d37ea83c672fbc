// needs root: chromium without its sandbox. The dashboard of a service that comes, has figures of a resolver, and goes:
// one of words only, so that each of these happens when the test wants it.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chownSync, readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { PROGRAM, TempFolder } from "../cli/run.ts";
import { launchBrowser } from "./desk.ts";

setDefaultTimeout(60_000);

const UPSTREAM = { name: "resolver.example.org", asked: 31, answered: 30, failed: 1, isWell: true };
const STATUS = {
  ...{ pid: 7, profile: "built in", rules: 1, reloads: { done: 0, refused: 0 } },
  ...{ device: "bunnel7", method: "nft", uplinks: ["up0"], pumps: ["plain"], uptimeMs: 5000, tapDropped: 0 },
  ...{ packetsIn: 12, bytesIn: 3400, passed: 10, replaced: 2, held: 0, dropped: 0, pieces: 4, fakes: 0 },
  ...{ flows: 1, flowsInserted: 1, flowsEvicted: 0, flowsExpired: 0, flowsUntracked: 0, turns: 12 },
  ...{ egressSent: 14, egressRefused: 0, queueDropped: 0, reasons: { PassOrdinary: 10, ReplacePlanned: 2 } },
  ...{ messagesTls: 2, messagesHttp: 0, messagesQuic: 0, messagesDns: 0, messagesSyn: 0 },
  dns: { asked: 40, fromCache: 9, upstreams: [UPSTREAM] },
};
const FLOW = {
  ...{ protocol: "tcp", source: "192.0.2.7:40000", destination: "203.0.113.9:443", state: "established" },
  ...{ message: "tls", rule: "<img src=x onerror=alert(1)>", planned: 1, idleMs: 20 },
  ...{ packetsOut: 3, packetsIn: 0, bytesOut: 700, bytesIn: 0 },
};
const PROFILE = '[[rule]]\nname = "<img src=x onerror=alert(1)>"\nstrategy = "tls: split(1, midsld)"\n';

const folder = new TempFolder();
const socket = folder.file("control.sock");
let stack: AsyncDisposableStack;
let url: string;
let ui: Bun.Subprocess<"ignore", "pipe", "inherit">;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  stack.use(folder);
  const words = [...PROGRAM, "ui", "--port", "0", "--state-dir", folder.path, "--json"];
  ui = Bun.spawn(words, { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  stack.defer(async () => {
    ui.kill("SIGTERM");
    await ui.exited;
  });
  const { value } = await ui.stdout.getReader().read();
  ({ url } = JSON.parse(new TextDecoder().decode(value)) as { readonly url: string });
});
afterAll(() => stack[Symbol.asyncDispose]());

const ANSWERS: Readonly<Record<string, unknown>> = {
  watch: { events: [] },
  status: STATUS,
  rules: [{ name: FLOW.rule, enabled: true, priority: 0, strategy: "tls: split(1)", decided: 2, flows: 1 }],
  flows: { total: 1, flows: [FLOW] },
  profile: { source: "built in", text: PROFILE, files: [] },
};

/** A service that says these things, until it is closed. */
async function serve(): Promise<Disposable> {
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    client.setEncoding("utf8").on("data", (chunk: string) => {
      for (const line of chunk.trim().split("\n")) {
        const { command } = JSON.parse(line) as { readonly command: string };
        client.write(`${JSON.stringify({ version: 1, ok: true, result: ANSWERS[command] })}\n`);
      }
    });
    client.on("close", () => clients.delete(client)).on("error", () => clients.delete(client));
  });
  const listening = Promise.withResolvers<void>();
  server.listen(socket, listening.resolve);
  await listening.promise;
  // The dashboard became the user of services when it found none.
  chownSync(socket, userOf(ui.pid), 0);
  const event = `${JSON.stringify({ version: 1, event: "stats", data: STATUS })}\n`;
  const timer = setInterval(() => clients.forEach((client) => client.write(event)), 100);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      server.close();
      for (const client of clients) client.destroy();
    },
  };
}

function userOf(pid: number): number {
  return Number(/^Uid:\t(\d+)/mu.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

test("it says that no service runs, finds one that comes, shows what it has, and says when it is gone", async () => {
  await using browser = await launchBrowser();
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("dialog", (dialog) => faults.push(dialog.message()));
  await page.goto(url);
  expect(new URL(page.url()).hash).toBe("#/overview");
  await page.getByText("no service runs").waitFor();
  {
    using _service = await serve();
    await page.getByText("live", { exact: true }).waitFor();
    await page.getByText("bunnel7, 1 queue (plain)").waitFor();
    // A name is a text, whatever it looks like.
    await page.getByRole("rowheader", { name: FLOW.rule }).waitFor();
    await page.getByRole("link", { name: "DNS" }).click();
    const figures = page.getByRole("listitem");
    await figures.filter({ hasText: "fromCache" }).getByText("9", { exact: true }).waitFor();
    await figures
      .filter({ hasText: "upstreams resolver example org failed" })
      .getByText("1", { exact: true })
      .waitFor();
    await page.getByRole("link", { name: "Flows" }).click();
    await page.getByRole("link", { name: FLOW.destination }).click();
    await page.getByText("On a sample, the rules do this:").waitFor();
    expect(await page.locator(".steps li").count()).toBe(3);
    await page.getByRole("link", { name: "Rules" }).click();
    await page.getByText("the service runs without a profile file").waitFor();
    await page.getByText("right: 1 rule").waitFor();
    expect(await page.getByRole("button", { name: "Write and reload" }).isDisabled()).toBe(true);
    expect(await page.getByLabel("Profile").inputValue()).toBe(PROFILE);
  }
  await page.getByText("no service runs").waitFor();
  await page.getByRole("link", { name: "Log" }).click();
  await page.getByText("the service has ended").waitFor();
  expect(faults).toEqual([]);
});

test("without the key it is locked, and a wrong one opens nothing", async () => {
  await using browser = await launchBrowser();
  const page = await browser.newPage();
  const { origin } = new URL(url);
  await page.goto(`${origin}/#/overview`);
  await page.getByRole("heading", { name: "Locked" }).waitFor();
  await page.goto(`${origin}/#token=${"x".repeat(43)}`);
  await page.reload();
  await page.getByRole("heading", { name: "Locked" }).waitFor();
});
