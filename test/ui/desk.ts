// A dashboard with something to show: a lab whose client sends traffic through the service, `bunnel ui` beside it, and
// a browser that was never used.
import { join } from "node:path";
import { type LiveLab, serverAddress } from "@bunnel/lab/live";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { PROGRAM, TempFolder } from "../cli/run.ts";
import { createLab } from "../e2e/lab.ts";

const SCREENSHOTS = join(import.meta.dirname, "../../docs/screenshots");
/** Pictures are written into the documentation when it is asked for: BUNNEL_SCREENSHOTS=1. */
const IS_SHOOTING = process.env["BUNNEL_SCREENSHOTS"] !== undefined;

export const PROFILE = `# What this machine needs.
[interception]
method = "nft"

[[rule]]
name = "video"
hosts = ["video.example.org", "example.net"]
strategy = """
  tls: fake(sni=www.example.org, ttl=3) split(1, midsld) disorder
  http: split(method+2, midsld) disorder
"""

[[rule]]
name = "news"
hosts = ["news.example.org"]
strategy = "tls: split(2) seqovl(5) delay(3)  http: httphost(case)"

[[rule]]
name = "no ads"
hosts = ["ads.example.org"]
priority = 5
strategy = "tls: drop"

[[rule]]
name = "everything else"
priority = -1
strategy = "preset:default"
`;

/** Names that clients ask for, and how. */
const VISITS = [
  ["https", "video.example.org"],
  ["https", "news.example.org"],
  ["http", "video.example.org"],
  ["https", "mail.example.com"],
  ["https", "cdn.example.net"],
  ["http", "news.example.org"],
  ["https", "shop.example.com"],
  ["https", "ads.example.org"],
] as const;

const SHOOTING_MS = 45_000;

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"];
const QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"];

/** A browser that was never used, and asks nobody for anything. */
export function launchBrowser(): Promise<Browser> {
  const executablePath = Bun.which("chromium") ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: [...FLAGS, ...QUIET] });
}

export class Desk implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();

  private constructor(
    readonly folder: TempFolder,
    readonly lab: LiveLab,
    readonly browser: Browser,
    /** With the token. */
    readonly url: string,
    readonly ui: Bun.Subprocess,
  ) {}

  static async open(): Promise<Desk> {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(new TempFolder());
    await Bun.write(folder.file("profile.toml"), PROFILE);
    const lab = stack.use(await createLab());
    const stateDir = folder.file("state");
    stack.use(await lab.up({ stateDir, words: ["--profile", folder.file("profile.toml")] }));
    const words = [...PROGRAM, "ui", "--port", "0", "--state-dir", stateDir, "--json"];
    const ui = Bun.spawn(words, { stdout: "pipe", stderr: "inherit" });
    stack.defer(async () => {
      ui.kill("SIGTERM");
      await ui.exited;
    });
    const { value } = await ui.stdout.getReader().read();
    const { url } = JSON.parse(new TextDecoder().decode(value)) as { readonly url: string };
    const browser = await launchBrowser();
    stack.defer(() => browser.close());
    const desk = new Desk(folder, lab, browser, url, ui);
    desk.#stack.use(stack.move());
    return desk;
  }

  /** The address without the token. */
  get origin(): string {
    return new URL(this.url).origin;
  }

  get token(): string {
    return new URL(this.url).hash.replace("#token=", "");
  }

  /** A page of the dashboard, open at a section. What goes wrong in it is in `faults`. */
  async page(section: string, options: Parameters<Browser["newContext"]>[0] = {}): Promise<OpenPage> {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
    const page = await context.newPage();
    const faults: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") faults.push(message.text());
    });
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(this.url);
    await page.getByText("live", { exact: true }).waitFor();
    if (section !== "overview") await page.goto(`${this.origin}/#/${section}`);
    return new OpenPage(context, page, faults);
  }

  /** The client asks for pages, once each. */
  async visit(visits: readonly (readonly ["https" | "http", string])[] = VISITS): Promise<void> {
    for (const [scheme, host] of visits) {
      // A name whose hello goes nowhere is not waited for.
      const seconds = host.startsWith("ads.") ? "0.2" : "3";
      const to = `${host}:${scheme === "https" ? 443 : 80}:${serverAddress(4)}`;
      const words = [
        "curl",
        "-sk",
        "--noproxy",
        "*",
        "--max-time",
        seconds,
        "--resolve",
        to,
        `${scheme}://${host}/who`,
      ];
      await this.lab.client.run(words);
    }
  }

  /** So that charts have a shape, where a picture of them is wanted. */
  async visitForAWhile(): Promise<void> {
    const end = performance.now() + (IS_SHOOTING ? SHOOTING_MS : 0);
    for (let round = 1; performance.now() < end; round++) {
      await this.visit(VISITS.slice(0, 1 + Math.round(3 + 3 * Math.sin(round / 3))));
      await Bun.sleep(100);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

export class OpenPage implements AsyncDisposable {
  constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    readonly faults: readonly string[],
  ) {}

  /** A picture of what is seen; into the documentation where that is wanted. */
  async shoot(name: string): Promise<Uint8Array> {
    const path = join(SCREENSHOTS, `${name}.png`);
    return this.page.screenshot({ animations: "disabled", ...(IS_SHOOTING && { path }) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
  }
}
