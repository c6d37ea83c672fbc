// The dashboard's web server: loopback alone, one page, a few questions, and a socket for what changes.
import pkg from "../../package.json" with { type: "json" };
import * as v from "valibot";
import { Access, KEY_PROTOCOL, LIVE_PROTOCOL, SECURITY_HEADERS } from "./access.ts";
import { loadAssets, type Asset } from "./assets.ts";
import { SAMPLE_KINDS, type LiveMessage, type PreviewAnswer, type ProbeAnswer } from "./contract.ts";
import { Feed } from "./feed.ts";
import { Preview } from "./preview.ts";
import { PROBED_MAX, ProbeRunner } from "./probe-runner.ts";
import { problemsOf, type ProfileEditor } from "./profile-editor.ts";

/** A profile is a text; its lists are files of their own. */
const BODY_MAX_BYTES = 1024 * 1024;
const PAGES_MAX = 16;
const UNREAD_MAX_BYTES = 8 * 1024 * 1024;

const HOST_PATTERN = /^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$/u;
const sessionSchema = v.strictObject({ token: v.pipe(v.string(), v.maxLength(200)) });
const textSchema = v.strictObject({ text: v.string() });
const previewSchema = v.strictObject({
  text: v.string(),
  kind: v.picklist(SAMPLE_KINDS),
  host: v.pipe(v.string(), v.maxLength(253), v.regex(HOST_PATTERN, "a host name")),
  family: v.picklist([4, 6]),
});

const wordsSchema = v.pipe(v.array(v.pipe(v.string(), v.maxLength(1000))), v.maxLength(PROBED_MAX));
const probeSchema = v.strictObject({
  hosts: v.pipe(wordsSchema, v.nonEmpty()),
  known: wordsSchema,
  harmless: v.pipe(v.string(), v.maxLength(253)),
});

/** What is read from files: done before rights are given up. */
export interface DashboardParts {
  readonly assets: ReadonlyMap<string, Asset>;
  readonly preview: Preview;
}

/** @throws AggregateError when the page cannot be bundled; Error when the engine was not built */
export async function loadDashboard(): Promise<DashboardParts> {
  return { assets: await loadAssets(), preview: await Preview.open() };
}

type Page = Bun.ServerWebSocket;

export class Dashboard implements AsyncDisposable {
  readonly #pages = new Set<Page>();
  readonly #feed: Feed;
  readonly #probe = new ProbeRunner((probe) => this.#tell({ type: "probe", probe }));
  readonly #access: Access;
  readonly #server: Bun.Server<undefined>;
  readonly #assets: ReadonlyMap<string, Asset>;
  readonly #preview: Preview;

  /**
   * Serves the dashboard of the service that answers at `socket`.
   * @throws Error when the port is taken
   */
  constructor(
    socket: string,
    port: number,
    readonly editor: ProfileEditor,
    { assets, preview }: DashboardParts,
  ) {
    this.#assets = assets;
    this.#preview = preview;
    this.#access = new Access(() => [`127.0.0.1:${this.port}`, `localhost:${this.port}`]);
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port,
      maxRequestBodySize: BODY_MAX_BYTES,
      fetch: (request, server) => this.#answer(request, server),
      error: () => said(500, { error: "it did not work" }),
      websocket: {
        maxPayloadLength: 1024,
        backpressureLimit: UNREAD_MAX_BYTES,
        closeOnBackpressureLimit: true,
        open: (page) => this.#welcome(page),
        message: () => undefined,
        close: (page) => this.#leave(page),
      },
    });
    this.#feed = new Feed(socket, (message) => this.#tell(message));
  }

  get port(): number {
    return this.#server.port ?? 0;
  }

  /** What a person opens; the token stands where no server and no log sees it. */
  get url(): string {
    return `http://127.0.0.1:${this.port}/#token=${this.#access.token}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#feed[Symbol.dispose]();
    this.#probe[Symbol.dispose]();
    this.editor[Symbol.dispose]();
    await this.#server.stop(true);
  }

  async #answer(request: Request, server: Bun.Server<undefined>): Promise<Response | undefined> {
    const refusal = this.#access.refusal(request);
    if (refusal !== undefined) return said(refusal.status, { error: refusal.error });
    const { pathname } = new URL(request.url);
    const asset = this.#assets.get(pathname);
    if (asset !== undefined) return isRead(request) ? served(asset) : said(405, { error: "expected GET" });
    if (pathname === "/api/session" && request.method === "POST") return this.#openSession(request);
    if (!pathname.startsWith("/api/")) return said(404, { error: "there is no such page" });
    if (!this.#access.isKnown(request)) return said(401, { error: "open the address that bunnel ui printed" });
    if (pathname === "/api/live") return this.#openLive(request, server);
    return this.#carryOut(`${request.method} ${pathname}`, request);
  }

  async #openSession(request: Request): Promise<Response> {
    const given = await readBody(request, sessionSchema);
    if (given === undefined) return said(400, { error: "expected a token" });
    const session = this.#access.open(given.token);
    if ("status" in session) return said(session.status, { error: session.error });
    return said(200, { key: session.key }, { "set-cookie": session.cookie });
  }

  #openLive(request: Request, server: Bun.Server<undefined>): Response | undefined {
    if (this.#pages.size >= PAGES_MAX) return said(503, { error: `expected at most ${PAGES_MAX} pages at a time` });
    // The protocol with the key in it is not said back.
    const headers = { "sec-websocket-protocol": LIVE_PROTOCOL };
    const asked = request.headers.get("sec-websocket-protocol") ?? "";
    if (!asked.includes(LIVE_PROTOCOL) || !asked.includes(KEY_PROTOCOL))
      return said(400, { error: "expected a socket" });
    return server.upgrade(request, { headers, data: undefined })
      ? undefined
      : said(426, { error: "expected a socket" });
  }

  async #carryOut(what: string, request: Request): Promise<Response> {
    if (what === "GET /api/profile") return said(200, await this.editor.read());
    if (what === "POST /api/check" || what === "POST /api/apply") {
      const given = await readBody(request, textSchema);
      if (given === undefined) return said(400, { error: "expected a text" });
      if (what === "POST /api/check") return said(200, this.editor.check(given.text));
      const answer = await this.editor.apply(given.text);
      this.#feed.note("dashboard", answer.ok ? `profile ${answer.text}` : "profile not written");
      return said(200, answer);
    }
    if (what === "POST /api/preview") {
      const given = await readBody(request, previewSchema);
      return given === undefined ? said(400, { error: "expected a sample" }) : said(200, this.#show(given));
    }
    if (what === "POST /api/probe") {
      const given = await readBody(request, probeSchema);
      if (given === undefined) return said(400, { error: `expected 1 to ${PROBED_MAX} hosts` });
      return said(200, this.#probe.start(given) satisfies ProbeAnswer);
    }
    if (what === "POST /api/probe-stop") {
      this.#probe.stop();
      return said(200, { ok: true } satisfies ProbeAnswer);
    }
    return said(404, { error: "there is no such question" });
  }

  #show(given: v.InferOutput<typeof previewSchema>): PreviewAnswer {
    try {
      return { ok: true, exchange: this.#preview.show(this.editor.parse(given.text), given) };
    } catch (error) {
      return { ok: false, problems: problemsOf(error) };
    }
  }

  #welcome(page: Page): void {
    this.#pages.add(page);
    const { rates, log, exchanges } = this.#feed;
    page.send(JSON.stringify({ type: "hello", version: pkg.version, rates, log, exchanges } satisfies LiveMessage));
    page.send(JSON.stringify(this.#feed.now));
    page.send(JSON.stringify({ type: "probe", probe: this.#probe.view } satisfies LiveMessage));
    this.#feed.isWatched = true;
  }

  #leave(page: Page): void {
    this.#pages.delete(page);
    if (this.#pages.size === 0) this.#feed.isWatched = false;
  }

  #tell(message: LiveMessage): void {
    if (this.#pages.size === 0) return;
    const text = JSON.stringify(message);
    for (const page of this.#pages) page.send(text);
  }
}

function isRead({ method }: Request): boolean {
  return method === "GET" || method === "HEAD";
}

function served({ octets, type }: Asset): Response {
  return new Response(octets, { headers: { ...SECURITY_HEADERS, "content-type": type } });
}

function said(status: number, data: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json(data, { status, headers: { ...SECURITY_HEADERS, ...headers } });
}

/** Undefined: it is not what was expected. */
async function readBody<Schema extends v.GenericSchema>(
  request: Request,
  schema: Schema,
): Promise<v.InferOutput<Schema> | undefined> {
  if (!(request.headers.get("content-type") ?? "").startsWith("application/json")) return undefined;
  try {
    const result = v.safeParse(schema, await request.json());
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}
