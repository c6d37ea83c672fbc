// needs root: namespaces, /dev/net/tun, nft; chromium. The dashboard's probe, in a lab with a box on the way: the page
// starts it, follows it and shows what it found. The dashboard has no rights there, so it tries what sockets can do,
// says why, and what tries the rest.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import axe from "axe-core";
import { ALLOWED_NAME, BLOCKED_NAME, type LiveLab, serverAddress } from "@bunnel/lab/live";
import type { Browser } from "playwright-core";
import type { ProbeEvent } from "bunnel/src/probe/probe.ts";
import { PROGRAM, TempFolder } from "../cli/run.ts";
import { createLab } from "../e2e/lab.ts";
import { bridge } from "./bridge.ts";
import { launchBrowser, OpenPage } from "./desk.ts";

setDefaultTimeout(120_000);

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const stack = new AsyncDisposableStack();
const folder = new TempFolder();
let lab: LiveLab;
let browser: Browser;
let url: string;

beforeAll(async () => {
  stack.use(folder);
  lab = stack.use(await createLab());
  await lab.setCensor("packet");
  await Bun.write(folder.file("authority.pem"), lab.authority);
  const words = [...PROGRAM, "ui", "--port", "0", "--state-dir", folder.file("state"), "--json"];
  const env = { NODE_EXTRA_CA_CERTS: folder.file("authority.pem"), XDG_CACHE_HOME: folder.file("cache") };
  const ui = lab.client.spawn(words, { env });
  const { value } = await ui.stdout.getReader().read();
  ({ url } = JSON.parse(new TextDecoder().decode(value)) as { readonly url: string });
  stack.use(await bridge(lab.client, Number(new URL(url).port), folder.file("bridge.sock")));
  browser = await launchBrowser();
  stack.defer(() => browser.close());
});
afterAll(() => stack.disposeAsync());

async function open(options: Parameters<Browser["newContext"]>[0] = {}): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(url);
  await page.goto(`${new URL(url).origin}/#/probe`);
  await page.getByRole("heading", { name: "Probe", level: 1 }).waitFor();
  return new OpenPage(context, page, faults);
}

async function barriers({ page }: OpenPage): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>("axe.run()");
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}

describe("the dashboard's probe", () => {
  test("says what is asked wrong and starts nothing", async () => {
    await using opened = await open();
    const { page } = opened;
    await page.getByLabel("Hosts").focus();
    await page.keyboard.type("no name");
    await page.keyboard.press("Enter");
    await page.getByRole("status").filter({ hasText: "expected a name such as example.org" }).waitFor();
    expect(await page.getByRole("button", { name: "Stop" }).isDisabled()).toBe(true);
  });

  test("is started by the keyboard, tells how far it is, and shows what it found", async () => {
    await using opened = await open();
    const { page } = opened;
    await page.getByText("More", { exact: true }).focus();
    await page.keyboard.press("Enter");
    const known = `${BLOCKED_NAME}:${serverAddress(4)} ${ALLOWED_NAME}:${serverAddress(4, 9)}`;
    await page.getByLabel("Known addresses").fill(known);
    await page.getByLabel("A host that is not blocked").fill(ALLOWED_NAME);
    await page.getByLabel("Hosts").fill(`${BLOCKED_NAME}/bytes/100000`);
    await page.keyboard.press("Enter");
    await page.getByText("strategies of packets are not tried: that needs CAP_NET_ADMIN").waitFor();
    await page.getByText("The dashboard gives root's rights up before it listens").waitFor();
    await page.getByRole("progressbar", { name: "Strategies tried" }).waitFor();
    await page.getByText("TLS by name (silent drop)").waitFor();
    await page.getByRole("cell", { name: /works/ }).first().waitFor();
    await page.getByRole("heading", { name: "Recommendation" }).waitFor();
    expect(await page.getByLabel("Recommended rules").textContent()).toMatch(/^\[\[rule\]\]\nname = "probe"\nhosts/u);
    await page
      .getByRole("status")
      .filter({ hasText: /done · [\d.]+ s, \d+ connections/u })
      .waitFor();
    await page.setViewportSize({ width: 1280, height: 1500 });
    await opened.shoot("probe");
    expect(opened.faults).toEqual([]);
  });

  test("gives the command for a terminal that asks the same, and tries strategies of packets as well", async () => {
    await using opened = await open();
    const command = await opened.page.locator("code", { hasText: "sudo bunnel probe" }).textContent();
    const words = `XDG_CACHE_HOME=${folder.file("root")} ${command?.replace("sudo bunnel", PROGRAM.join(" "))}`;
    const certificates = `--certificates ${folder.file("authority.pem")}`;
    const asked = words.replace(" probe ", ` probe --json --no-remember --no-quic --connections 40 ${certificates} `);
    const { stdout, stderr } = await lab.client.run(["sh", "-c", asked]);
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as ProbeEvent);
    const start = events.find(({ type }) => type === "start");
    expect({ start, stderr }).toMatchObject({ start: { hosts: [BLOCKED_NAME], missing: [] } });
    const egresses = events.flatMap((event) => (event.type === "trial" ? [event.result.candidate.egress] : []));
    expect(egresses).toContain("packet");
  });

  test.each(["light", "dark"] as const)("is open to anybody, %s, and fits a phone", async (colorScheme) => {
    await using opened = await open({ ...PHONE, colorScheme });
    const { page } = opened;
    await page.getByRole("cell", { name: /works/ }).first().waitFor();
    expect(await barriers(opened)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360);
    await page.setViewportSize({ width: 360, height: 1500 });
    await opened.shoot(`phone-probe${colorScheme === "dark" ? "-dark" : ""}`);
  });
});
