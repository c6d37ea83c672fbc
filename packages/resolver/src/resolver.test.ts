import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type AddressInfo } from "node:net";
import { selfSigned, type KeyPair } from "../test/certificate.ts";
import { dohServer, type Asked, type DohServer } from "../test/doh-server.ts";
import { address, answer, query, read, soa } from "../test/messages.ts";
import { Resolver, type ResolverOptions } from "./resolver.ts";
import type { UpstreamTarget } from "./upstream.ts";

const HOST = "www.example.org";
const HERE = "192.0.2.10";

let pair: KeyPair;
let stranger: KeyPair;
const open: { close(): void | Promise<void> }[] = [];

beforeAll(() => {
  pair = selfSigned("DNS:dns.example.org", "IP:127.0.0.1");
  stranger = selfSigned("DNS:other.example.org");
});

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

async function server(act: (asked: Asked) => void, keys: KeyPair = pair): Promise<DohServer> {
  const started = await dohServer(keys, act);
  open.push({ close: async () => started[Symbol.asyncDispose]() });
  return started;
}

function target({ port }: { readonly port: number }): UpstreamTarget {
  return { kind: "doh", url: `https://dns.example.org:${port}/dns-query`, addresses: ["127.0.0.1"] };
}

function resolver(upstreams: readonly UpstreamTarget[], options: Partial<ResolverOptions> = {}): Resolver {
  const made = new Resolver({ upstreams, ca: pair.cert, ...options });
  open.push(made);
  return made;
}

const good = (asked: Asked): void => asked.answer(answer(asked.query, { answers: [address(HOST, HERE)] }));
const byUdp = { transport: "udp" } as const;

describe("Resolver.answer()", () => {
  test.each(["POST", "GET"] as const)("asks by %s, padded and with no number of the asker's", async (method) => {
    const upstream = await server(good);
    const made = resolver([target(upstream)], { method });
    const found = read(await made.answer(query(HOST, { id: 77 }), byUdp));
    expect(found.id).toBe(77);
    expect(found.answers).toMatchObject([{ type: "A", name: HOST, data: HERE, ttl: 300 }]);
    const [asked] = upstream.asked;
    expect(asked?.method).toBe(method);
    expect(read(asked?.query).id).toBe(0);
    expect((asked?.query.length ?? 0) % 128).toBe(0);
  });

  test("an address in the URL needs no bootstrap, and the certificate must carry it", async () => {
    const upstream = await server(good);
    const url = `https://127.0.0.1:${upstream.port}/dns-query`;
    const made = resolver([{ kind: "doh", url, addresses: [] }]);
    expect(read(await made.answer(query(HOST), byUdp)).rcode).toBe("NOERROR");
  });

  test("gives what it has again, counting down, for whatever letters' case and number", async () => {
    const upstream = await server(good);
    let nowMs = 0;
    const made = resolver([target(upstream)], { now: () => nowMs });
    await made.answer(query(HOST, { id: 1 }), byUdp);
    nowMs = 100_900;
    const again = read(await made.answer(query("WwW.Example.ORG", { id: 2 }), byUdp));
    expect(again.id).toBe(2);
    expect(again.questions?.[0]?.name).toBe("WwW.Example.ORG");
    expect(again.answers).toMatchObject([{ ttl: 200 }]);
    expect(upstream.asked.length).toBe(1);
    nowMs = 300_000;
    await made.answer(query(HOST), byUdp);
    expect(upstream.asked.length).toBe(2);
    expect(made.figures).toMatchObject({ asked: 3, fromCache: 1, failed: 0 });
  });

  test("keeps apart what DO and CD ask for, and passes both on", async () => {
    const upstream = await server(good);
    const made = resolver([target(upstream)]);
    await made.answer(query(HOST), byUdp);
    await made.answer(query(HOST, { udpBytes: 1232, dnssecOk: true }), byUdp);
    await made.answer(query(HOST, { flags: 0x0010 }), byUdp);
    const seen = upstream.asked.map((asked) => read(asked.query));
    expect(seen.map((asked) => asked.flag_cd)).toEqual([false, false, true]);
    const opts = seen.map((asked) => asked.additionals?.[0]);
    expect(opts.map((opt) => opt?.type === "OPT" && opt.flag_do)).toEqual([false, true, false]);
  });

  test("the AD bit reaches askers that understand it, and no others", async () => {
    const upstream = await server((asked) =>
      asked.answer(answer(asked.query, { answers: [address(HOST, HERE)], flags: 0x0020 })),
    );
    const made = resolver([target(upstream)]);
    expect(read(await made.answer(query(HOST), byUdp)).flag_ad).toBe(false);
    expect(read(await made.answer(query(HOST, { flags: 0x0020 }), byUdp)).flag_ad).toBe(true);
    expect(read(await made.answer(query(HOST, { udpBytes: 1232, dnssecOk: true }), byUdp)).flag_ad).toBe(true);
  });

  test("has EDNS in answers to those who have it", async () => {
    const upstream = await server((asked) => {
      const opt = read(asked.query).additionals ?? [];
      asked.answer(answer(asked.query, { answers: [address(HOST, HERE)], additionals: opt }));
    });
    const made = resolver([target(upstream)]);
    expect(read(await made.answer(query(HOST), byUdp)).additionals).toEqual([]);
    const found = read(await made.answer(query(HOST, { udpBytes: 1400 }), byUdp)).additionals;
    expect(found).toMatchObject([{ type: "OPT", options: [] }]);
  });

  test("keeps that there is no such name as long as the SOA says (RFC 2308)", async () => {
    const upstream = await server((asked) =>
      asked.answer(answer(asked.query, { rcode: 3, authorities: [soa("example.org", 900, 60)] })),
    );
    let nowMs = 0;
    const made = resolver([target(upstream)], { now: () => nowMs });
    expect(read(await made.answer(query(HOST), byUdp)).rcode).toBe("NXDOMAIN");
    nowMs = 59_000;
    expect(read(await made.answer(query(HOST), byUdp)).rcode).toBe("NXDOMAIN");
    expect(upstream.asked.length).toBe(1);
    nowMs = 60_000;
    await made.answer(query(HOST), byUdp);
    expect(upstream.asked.length).toBe(2);
  });

  test("asks once for those who ask the same at the same time", async () => {
    const waiting: Asked[] = [];
    const both = Promise.withResolvers<void>();
    const upstream = await server((asked) => {
      waiting.push(asked);
      both.resolve();
    });
    const made = resolver([target(upstream)]);
    const answers = [1, 2, 3].map((id) => made.answer(query(HOST, { id }), byUdp));
    await both.promise;
    for (const asked of waiting) good(asked);
    expect((await Promise.all(answers)).map((octets) => read(octets).id)).toEqual([1, 2, 3]);
    expect(upstream.asked.length).toBe(1);
    expect(made.figures.joined).toBe(2);
  });

  test("one connection carries many questions, and is made again when it has ended", async () => {
    const upstream = await server(good);
    const made = resolver([target(upstream)], { cacheEntries: 0 });
    await Promise.all(["a", "b", "c"].map((label) => made.answer(query(`${label}.example.org`), byUdp)));
    expect(upstream.sessions.length).toBe(1);
    upstream.sessions[0]?.destroy();
    expect(read(await made.answer(query(HOST), byUdp)).rcode).toBe("NOERROR");
    expect(upstream.sessions.length).toBe(2);
  });

  test("tells the addresses that it learned, and how long they live", async () => {
    const upstream = await server(good);
    const learned: unknown[] = [];
    const made = resolver([target(upstream)], { onAddresses: (one) => learned.push(one) });
    await made.answer(query("WWW.example.org"), byUdp);
    expect(learned).toEqual([{ host: HOST, addresses: [HERE], seconds: 300 }]);
  });
});

describe("Resolver.answer() when an upstream fails", () => {
  const failures: readonly (readonly [string, (asked: Asked) => void])[] = [
    ["status 500", ({ response }) => void response.writeHead(500).end()],
    [
      "another content type",
      ({ response }) => void response.writeHead(200, { "content-type": "text/html" }).end("<p>"),
    ],
    ["octets that are no message", (asked) => asked.answer(Uint8Array.of(1, 2, 3))],
    ["an answer to another question", (asked) => asked.answer(answer(query("mail.example.org", { id: 0 }), {}))],
    [
      "a message cut short",
      (asked) => asked.answer(answer(asked.query, { answers: [address(HOST, HERE)] }).slice(0, -3)),
    ],
    ["more than a message can be", (asked) => asked.answer(new Uint8Array(70_000))],
    ["a connection that ends", ({ session }) => session?.destroy()],
    [
      "less than it says",
      ({ response, query: asked }) => {
        response.writeHead(200, { "content-type": "application/dns-message", "content-length": 500 });
        response.end(answer(asked, { answers: [address(HOST, HERE)] }));
      },
    ],
  ];

  test.each(failures)("%s: the next one answers, and nobody else hears of it", async (_, act) => {
    const [bad, well] = [await server(act), await server(good)];
    const made = resolver([target(bad), target(well)], { nextUpstreamMs: 60_000 });
    expect(read(await made.answer(query(HOST), byUdp)).answers).toMatchObject([{ data: HERE }]);
    expect(made.figures).toMatchObject({ failed: 0, upstreams: [{ failed: 1, isWell: false }, { answered: 1 }] });
    // Left alone for a while.
    const before = bad.asked.length;
    await made.answer(query("mail.example.org"), byUdp);
    expect(bad.asked.length).toBe(before);
  });

  test.each(failures)("%s and nobody else there: SERVFAIL", async (_, act) => {
    const bad = await server(act);
    const made = resolver([target(bad)]);
    const found = read(await made.answer(query(HOST, { id: 9 }), byUdp));
    expect(found).toMatchObject({ id: 9, rcode: "SERVFAIL", answers: [] });
    expect(made.figures.failed).toBe(1);
  });

  test("a certificate for another name is none", async () => {
    const wrong = await server(good, stranger);
    const made = resolver([target(wrong)], { ca: stranger.cert });
    expect(read(await made.answer(query(HOST), byUdp)).rcode).toBe("SERVFAIL");
    expect(wrong.asked.length).toBe(0);
    expect(made.figures.upstreams[0]?.lastFailure).toContain("certificate");
  });

  test("a certificate of an unknown authority is none", async () => {
    const unknown = await server(good);
    const made = resolver([target(unknown)], { ca: stranger.cert });
    expect(read(await made.answer(query(HOST), byUdp)).rcode).toBe("SERVFAIL");
    expect(unknown.asked.length).toBe(0);
  });

  test("nobody listens: the next one answers", async () => {
    const listener = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => listener.once("listening", resolve));
    const { port } = listener.address() as AddressInfo;
    await new Promise((resolve) => listener.close(resolve));
    const well = await server(good);
    const made = resolver([target({ port }), target(well)], { nextUpstreamMs: 60_000 });
    expect(read(await made.answer(query(HOST), byUdp)).rcode).toBe("NOERROR");
  });

  test("one that says nothing is outrun by the next, and left alone after that", async () => {
    const [silent, well] = [await server(() => undefined), await server(good)];
    const made = resolver([target(silent), target(well)], { nextUpstreamMs: 20 });
    expect(read(await made.answer(query(HOST), byUdp)).rcode).toBe("NOERROR");
    expect(made.figures.upstreams).toMatchObject([
      { outrun: 1, isWell: false },
      { answered: 1, isWell: true },
    ]);
  });

  test("reconnect() asks over a new connection, whoever failed in its turn again, and keeps answers", async () => {
    let isSilent = true;
    const [first, second] = [await server((asked) => isSilent || good(asked)), await server(good)];
    const made = resolver([target(first), target(second)], { nextUpstreamMs: 20 });
    await made.answer(query(HOST), byUdp);
    expect(made.figures.upstreams).toMatchObject([{ outrun: 1, isWell: false }, { answered: 1 }]);
    isSilent = false;
    made.reconnect();
    expect(made.figures.upstreams).toMatchObject([{ isWell: true }, { isWell: true }]);
    await made.answer(query(HOST), byUdp);
    expect(made.figures.fromCache).toBe(1);
    await made.answer(query(HOST, { type: "AAAA" }), byUdp);
    expect(first.sessions).toHaveLength(2);
  });

  test("nobody says anything: SERVFAIL when the time is over", async () => {
    const silent = await server(() => undefined);
    const made = resolver([target(silent)], { timeoutMs: 50 });
    expect(read(await made.answer(query(HOST), byUdp)).rcode).toBe("SERVFAIL");
    expect(made.figures.upstreams).toMatchObject([{ failed: 1, lastFailure: "no answer in time" }]);
  });

  test("SERVFAIL of an upstream is passed on when no other knows better, and is not its fault", async () => {
    const unsure = await server((asked) => asked.answer(answer(asked.query, { rcode: 2 })));
    const made = resolver([target(unsure)]);
    expect(read(await made.answer(query(HOST), byUdp)).rcode).toBe("SERVFAIL");
    expect(made.figures).toMatchObject({ failed: 0, upstreams: [{ answered: 1, failed: 0, isWell: true }] });
    const well = await server(good);
    const two = resolver([target(unsure), target(well)]);
    expect(read(await two.answer(query(HOST), byUdp)).rcode).toBe("NOERROR");
  });

  test("refuses more than may be under way", async () => {
    const silent = await server(() => undefined);
    const made = resolver([target(silent)], { maxPending: 1, timeoutMs: 300 });
    const first = made.answer(query("a.example.org"), byUdp);
    expect(read(await made.answer(query("b.example.org"), byUdp)).rcode).toBe("SERVFAIL");
    expect(made.figures.refused).toBe(1);
    await first;
  });

  test("answers SERVFAIL once it is closed", async () => {
    const upstream = await server(good);
    const made = resolver([target(upstream)]);
    made.close();
    expect(read(await made.answer(query(HOST), byUdp)).rcode).toBe("SERVFAIL");
    expect(upstream.asked.length).toBe(0);
  });
});

describe("Resolver.answer() of what is no query", () => {
  const upstreams: readonly UpstreamTarget[] = [{ kind: "plain", address: "192.0.2.1", port: 53 }];

  test("says nothing to an answer, or to half a header", async () => {
    const made = resolver(upstreams);
    expect(await made.answer(answer(query(HOST), {}), byUdp)).toBeUndefined();
    expect(await made.answer(query(HOST).slice(0, 11), byUdp)).toBeUndefined();
    expect(made.figures).toMatchObject({ asked: 0, malformed: 2 });
  });

  test("FORMERR to half a question, NOTIMP to other opcodes and zone transfers, BADVERS to later EDNS", async () => {
    const made = resolver(upstreams);
    expect(read(await made.answer(query(HOST).slice(0, -1), byUdp))).toMatchObject({ id: 0x1234, rcode: "FORMERR" });
    expect(read(await made.answer(query(HOST, { flags: 0x2000 }), byUdp)).rcode).toBe("NOTIMP");
    expect(read(await made.answer(query(HOST, { type: "AXFR" }), byUdp)).rcode).toBe("NOTIMP");
    const later = query(HOST, { udpBytes: 1232 });
    later[later.length - 5] = 1;
    expect(read(await made.answer(later, byUdp)).additionals).toMatchObject([{ type: "OPT", extendedRcode: 1 }]);
  });
});
