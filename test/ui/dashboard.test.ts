// needs root: namespaces, /dev/net/tun, nft; chromium. The dashboard of a service with real traffic, in a real browser.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import axe from "axe-core";
import { Desk, type OpenPage, PROFILE } from "./desk.ts";

setDefaultTimeout(120_000);

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const SECTIONS = ["overview", "flows", "counters", "dns", "probe", "rules", "log"] as const;

let desk: Desk;
beforeAll(async () => {
  desk = await Desk.open();
});
afterAll(() => desk?.[Symbol.asyncDispose]());

/** What axe finds, as sentences. */
async function barriers({ page }: OpenPage): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>("axe.run()");
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}

describe("the dashboard", () => {
  test("shows what happens while it happens", async () => {
    await using opened = await desk.page("overview");
    const { page } = opened;
    const packets = page.locator(".figure", { hasText: "Looked at" }).locator("dd");
    const before = await packets.textContent();
    await desk.visit();
    while ((await packets.textContent()) === before) await Bun.sleep(50);
    await page.getByRole("rowheader", { name: "video", exact: true }).waitFor();
    expect(await page.locator(".chart canvas").count()).toBe(3);
    await desk.visitForAWhile();
    expect((await opened.shoot("overview")).length).toBeGreaterThan(10_000);
    expect(opened.faults).toEqual([]);
  });

  test("tells of a flow whose it is, and draws what was done to it", async () => {
    await using opened = await desk.page("flows");
    const { page } = opened;
    await desk.visit();
    await page.getByRole("link", { name: "video.example.org" }).first().waitFor();
    await opened.shoot("flows");
    await page.getByLabel("Search").fill("https-nobody");
    await page.getByText("0 shown of").waitFor();
    await page.getByLabel("Search").fill(":443 video");
    await page.getByLabel("Search").fill("video.example.org");
    const row = page
      .getByRole("row", { name: /tcp tls/ })
      .filter({ hasText: "video.example.org" })
      .first();
    await row.getByRole("link").click();
    await page.getByRole("heading", { name: "video.example.org" }).waitFor();
    const steps = page.locator(".exchange").first().locator(".steps li");
    expect(await steps.count()).toBe(4);
    expect(await steps.first().textContent()).toMatch(/decoy octets 0 to \d+ of \d+ttl=3by fake/u);
    expect(await page.locator(".exchange .verdict").first().textContent()).toBe("replace");
    await opened.shoot("flow");
    expect(opened.faults).toEqual([]);
  });

  test("shows a mistake in the profile at its place, and nothing of it is written", async () => {
    await using opened = await desk.page("rules");
    const { page } = opened;
    const area = page.getByLabel("Profile");
    await page.getByText("right: 4 rules").waitFor();
    expect(await area.inputValue()).toBe(PROFILE);
    await page.locator(".preview .steps li").first().waitFor();
    await opened.shoot("editor");
    await area.fill(
      PROFILE.replace("split(1, midsld) disorder", "splt(1, midsld) disorder").replace('hosts = ["ads', 'host = ["ads'),
    );
    await page.getByText("2 problems").waitFor();
    const problems = await page.getByLabel("Problems").getByRole("listitem").allTextContents();
    expect(problems[0]).toMatch(/^line 9, column 41rule "video": strategy: .*splt.*split/u);
    expect(problems[1]).toMatch(/^line 20, column 1.*host.*hosts/u);
    expect(await page.locator(".under mark").allTextContents()).toEqual(["splt", "host"]);
    expect(await page.locator(".numbers .wrong").allTextContents()).toEqual(["9", "20"]);
    expect(await page.getByRole("button", { name: "Write and reload" }).isDisabled()).toBe(true);
    await opened.shoot("editor-error");
    await page.getByRole("button", { name: "line 9, column 41" }).click();
    expect(await page.evaluate("getSelection().toString()")).toBe("splt");
    expect(readFileSync(desk.folder.file("profile.toml"), "utf8")).toBe(PROFILE);
    expect(opened.faults).toEqual([]);
  });

  test("shows what the rules would do to a sample", async () => {
    await using opened = await desk.page("rules");
    const { page } = opened;
    const preview = page.getByRole("region", { name: "Preview" });
    await page.getByLabel("Sample").selectOption("tls-pq");
    await page.getByLabel("for", { exact: true }).fill("a.video.example.org");
    await preview.getByText("rule video").waitFor();
    await preview.getByText("octets 1 to").waitFor();
    await page.getByLabel("for", { exact: true }).fill("ads.example.org");
    await preview.getByText("It went nowhere.").waitFor();
    await page.getByLabel("Sample").selectOption("http");
    await page.getByLabel("for", { exact: true }).fill("news.example.org");
    await preview.getByText("changed").first().waitFor();
    await page.getByLabel("Sample").selectOption("dns");
    await preview.getByText("It left as it came.").waitFor();
    expect(opened.faults).toEqual([]);
  });

  test("writes a profile that is right, and the service works with it", async () => {
    await using opened = await desk.page("rules");
    const { page } = opened;
    await page.getByText("right: 4 rules").waitFor();
    await page.getByLabel("Profile").fill(`${PROFILE}\n[[rule]]\nname = "added"\nstrategy = "pass"\n`);
    await page.getByText("right: 5 rules").waitFor();
    await page.keyboard.press("Control+s");
    await page.getByText("written to").waitFor();
    await page.getByRole("link", { name: "Overview" }).click();
    await page.getByRole("rowheader", { name: "added" }).waitFor();
    await page.getByRole("link", { name: "Log" }).click();
    await page.getByText("profile read again: 5 rules in force").waitFor();
    await opened.shoot("log");
    await page.getByRole("link", { name: "Rules" }).click();
    await page.getByText("right: 5 rules").waitFor();
    await page.getByLabel("Profile").fill(PROFILE);
    await page.getByText("right: 4 rules").waitFor();
    await page.getByRole("button", { name: "Write and reload" }).click();
    await page.getByText("written to").waitFor();
    expect(readFileSync(desk.folder.file("profile.toml"), "utf8")).toBe(PROFILE);
  });

  test("counts by reason", async () => {
    await using opened = await desk.page("counters");
    await opened.page.getByText("replace: planned").waitFor();
    await opened.page.getByText("TLS hellos").waitFor();
    await opened.shoot("counters");
  });
});

describe("anybody can use it", () => {
  test.each(SECTIONS)("%s: axe finds no barrier, light or dark", async (section) => {
    for (const colorScheme of ["light", "dark"] as const) {
      await using opened = await desk.page(section, { colorScheme });
      await opened.page.getByRole("heading", { level: 1 }).waitFor();
      if (section === "rules") await opened.page.locator(".preview .steps li").first().waitFor();
      if (section === "flows") await opened.page.locator(".flows tbody tr").first().waitFor();
      expect(await barriers(opened)).toEqual([]);
    }
  });

  test.each(SECTIONS)("%s fits a phone: nothing has to be moved sideways", async (section) => {
    await using opened = await desk.page(section, PHONE);
    const { page } = opened;
    await page.getByRole("heading", { level: 1 }).waitFor();
    if (section === "rules") await page.locator(".preview .steps li").first().waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(PHONE.viewport.width);
    if (section === "overview" || section === "rules") await opened.shoot(`phone-${section}`);
  });

  test("a flow's page too", async () => {
    await using opened = await desk.page("flows", PHONE);
    const { page } = opened;
    await desk.visit();
    await page.getByRole("link", { name: "video.example.org" }).first().click();
    await page.locator(".steps li").first().waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(PHONE.viewport.width);
    expect(await barriers(opened)).toEqual([]);
    await page.locator(".exchange").first().scrollIntoViewIfNeeded();
    await page.mouse.wheel(0, 2000);
    await opened.shoot("phone-flow");
  });

  test("every section is reached and worked by the keyboard alone", async () => {
    await using opened = await desk.page("overview");
    const { page } = opened;
    const focused = (): Promise<string> => page.evaluate("document.activeElement?.textContent ?? ''");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Skip to content");
    const seen: string[] = [];
    for (let i = 0; i < 9; i++) {
      await page.keyboard.press("Tab");
      seen.push(await focused());
    }
    expect(seen).toEqual(expect.arrayContaining(["Overview", "Flows", "Counters", "DNS", "Rules", "Log"]));
    while ((await focused()) !== "Flows") await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Flows" }).waitFor();
    // The focus stands at the new content: the first stop in it is the search.
    await page.keyboard.press("Tab");
    await page.keyboard.type("video");
    expect(await page.getByLabel("Search").inputValue()).toBe("video");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.locator(".steps li").first().waitFor();
  });

  test("the colours follow the system until they are chosen, and are remembered", async () => {
    await using opened = await desk.page("overview", { colorScheme: "dark" });
    const { page } = opened;
    const background = (): Promise<string> => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const dark = await background();
    await opened.shoot("overview-dark");
    await page.getByLabel("Colours").selectOption("light");
    const light = await background();
    expect(light).not.toBe(dark);
    await page.reload();
    await page.getByText("live", { exact: true }).waitFor();
    expect(await background()).toBe(light);
  });
});
