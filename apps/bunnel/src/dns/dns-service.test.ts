// needs root: the mark of plain DNS. Every key of [dns] acts, and a reload puts another section in force.
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";
import { type Certificate, makeCertificate } from "@bunnel/lab/live";
import { parseProfile, type Profile } from "@bunnel/profile";
import { OUR_MARK } from "@bunnel/tun-linux";
import { dnsRows } from "./dns-rows.ts";
import { DnsService } from "./dns-service.ts";

const NAME = "dns.example.org";
/** The server that askers mean; nobody is there. */
const SERVER = { address: "127.0.0.1", port: 9 };
const TTL_SECONDS = 500;

let certificate: Certificate;
const open: { close(): void }[] = [];

beforeAll(() => {
  certificate = makeCertificate([NAME]);
});
afterEach(() => {
  for (const one of open.splice(0).toReversed()) one.close();
});

interface Server {
  readonly url: string;
  readonly methods: string[];
}

/** A DoH server; `answer` gives a message or nothing at all. */
async function server(answer: (query: Uint8Array) => Uint8Array | undefined): Promise<Server> {
  const methods: string[] = [];
  const listener = createSecureServer({ key: certificate.key, cert: certificate.certificate });
  listener.on("request", (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    request.on("end", () => {
      methods.push(request.method);
      const dns = new URL(request.url, `https://${NAME}`).searchParams.get("dns") ?? "";
      const octets = answer(new Uint8Array(Buffer.concat([...chunks, Buffer.from(dns, "base64url")])));
      if (octets !== undefined) response.writeHead(200, { "content-type": "application/dns-message" }).end(octets);
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  open.push(listener);
  return { url: `https://${NAME}:${(listener.address() as AddressInfo).port}/dns-query 127.0.0.1`, methods };
}

/** A query for an address; the question ends behind 12 octets of header, the name, and four. */
function query(label = "www"): Uint8Array {
  const name = [label, "example", "org"].flatMap((part) => [part.length, ...Buffer.from(part)]);
  return Uint8Array.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 0, 1, 0, 1]);
}

const ADDRESS = [0xc0, 12, 0, 1, 0, 1, 0, 0, TTL_SECONDS >> 8, TTL_SECONDS & 255, 0, 4, 192, 0, 2, 10];
/** An SOA whose lifetime and minimum are 500 seconds, names left out. */
const SOA = [
  ...[0xc0, 12, 0, 6, 0, 1, 0, 0, TTL_SECONDS >> 8, TTL_SECONDS & 255, 0, 22, 0, 0],
  ...[...new Array<number>(18).fill(0), TTL_SECONDS >> 8, TTL_SECONDS & 255],
];

/** What the query asks, with a record behind it. */
function reply(asked: Uint8Array, counts: readonly number[], record: readonly number[]): Uint8Array {
  let end = 12;
  while (asked[end] !== 0) end += (asked[end] ?? 0) + 1;
  return Uint8Array.from([...asked.subarray(0, 2), 0x81, 0x80, ...counts, ...asked.subarray(12, end + 5), ...record]);
}

const good = (asked: Uint8Array): Uint8Array => reply(asked, [0, 1, 0, 1, 0, 0, 0, 0], ADDRESS);
const none = (asked: Uint8Array): Uint8Array => reply(asked, [0, 1, 0, 0, 0, 1, 0, 0], SOA);

function profile(upstreams: readonly Server[], lines = ""): Profile {
  const urls = JSON.stringify(upstreams.map(({ url }) => url));
  const pem = new TextEncoder().encode(certificate.certificate);
  return parseProfile(`[dns]\nupstreams = ${urls}\ncertificates_file = "ca.pem"\n${lines}`, { load: () => pem });
}

function service(upstreams: readonly Server[], lines = ""): DnsService {
  const made = new DnsService(profile(upstreams, lines), OUR_MARK);
  open.push(made);
  return made;
}

async function ask(dns: DnsService, label?: string): Promise<{ rcode: number; ttl: number }> {
  const octets = await dns.answer({ query: query(label), server: SERVER });
  if (octets === undefined) throw new Error("expected an answer, found none");
  const asked = query(label).length;
  const view = new DataView(octets.buffer, octets.byteOffset);
  return { rcode: view.getUint8(3) & 15, ttl: octets.length > asked ? view.getUint32(asked + 6) : 0 };
}

const SERVFAIL = 2;

describe("[dns]", () => {
  test.each(["post", "get"])("method = %s", async (method) => {
    const upstream = await server(good);
    await ask(service([upstream], `method = "${method}"`));
    expect(upstream.methods).toEqual([method.toUpperCase()]);
  });

  test("timeout_ms: how long nobody's answer is waited for", async () => {
    const silent = await server(() => undefined);
    expect(await ask(service([silent], "timeout_ms = 100"))).toMatchObject({ rcode: SERVFAIL });
  });

  test("next_upstream_ms: when the next one is asked", async () => {
    const [silent, upstream] = [await server(() => undefined), await server(good)];
    const dns = service([silent, upstream], "next_upstream_ms = 1\ntimeout_ms = 60000");
    expect(await ask(dns)).toMatchObject({ rcode: 0 });
    const patient = service([silent, upstream], "next_upstream_ms = 60000\ntimeout_ms = 300");
    expect(await ask(patient)).toMatchObject({ rcode: SERVFAIL });
  });

  test("cache_entries: how many answers are kept", async () => {
    const upstream = await server(good);
    for (const [entries, asked] of [
      [0, 2],
      [1, 1],
    ] as const) {
      upstream.methods.length = 0;
      const dns = service([upstream], `cache_entries = ${entries}`);
      await ask(dns);
      await ask(dns);
      expect(upstream.methods.length).toBe(asked);
    }
  });

  test("ttl_min_seconds, ttl_max_seconds: how long askers keep an answer", async () => {
    const upstream = await server(good);
    expect(await ask(service([upstream]))).toMatchObject({ ttl: TTL_SECONDS });
    expect(await ask(service([upstream], "ttl_min_seconds = 900"))).toMatchObject({ ttl: 900 });
    expect(await ask(service([upstream], "ttl_max_seconds = 60"))).toMatchObject({ ttl: 60 });
  });

  test.each([
    [0, 2],
    [60, 1],
  ])("negative_ttl_max_seconds = %i: an answer without records is asked for %i times", async (seconds, asked) => {
    const upstream = await server(none);
    const dns = service([upstream], `negative_ttl_max_seconds = ${seconds}`);
    await ask(dns);
    await ask(dns);
    expect(upstream.methods.length).toBe(asked);
  });

  test("max_pending: questions under way at a time", async () => {
    const silent = await server(() => undefined);
    const dns = service([silent], "max_pending = 1\ntimeout_ms = 300");
    const first = ask(dns, "a");
    expect(await ask(dns, "b")).toMatchObject({ rcode: SERVFAIL });
    expect(dns.figures.refused).toBe(1);
    await first;
  });
});

describe("DnsService", () => {
  test("asks whom the next profile names, and forgets what it kept", async () => {
    const [before, after] = [await server(good), await server(none)];
    const dns = service([before]);
    expect(await ask(dns)).toMatchObject({ ttl: TTL_SECONDS });
    dns.use(profile([before]));
    await ask(dns);
    expect(before.methods.length).toBe(1);
    dns.use(profile([after]));
    await ask(dns);
    expect([before.methods.length, after.methods.length]).toEqual([1, 1]);
  });

  test("tells each address that an answer names", async () => {
    const dns = service([await server(good)]);
    const learned: unknown[] = [];
    dns.learn = (...all) => learned.push(all);
    await ask(dns);
    expect(learned).toEqual([["192.0.2.10", "www.example.org", TTL_SECONDS]]);
  });

  test("asks the resolver that a rule names", async () => {
    const resolver = await Bun.udpSocket({
      hostname: "127.0.0.1",
      binaryType: "uint8array",
      socket: { data: (self, octets, port, from) => void self.send(good(octets), port, from) },
    });
    open.push(resolver);
    const dns = service([await server(none)]);
    const to = { address: "127.0.0.1", port: resolver.port };
    const octets = await dns.answer({ query: query(), server: SERVER, resolver: to });
    expect(octets?.[7]).toBe(1);
    expect(dns.figures.upstreams.map(({ answered }) => answered)).toEqual([0, 1]);
  });

  test("its figures are lines of `bunnel status` once somebody has asked", async () => {
    const dns = service([await server(good)]);
    const nothing = { queriesTaken: 0, queriesAnswered: 0, queriesDropped: 0 };
    expect(dnsRows({ ...nothing, dns: dns.figures })).toEqual([]);
    await ask(dns);
    await ask(dns);
    const [queries, asked, upstream] = dnsRows({ ...nothing, queriesTaken: 2, queriesAnswered: 2, dns: dns.figures });
    expect(queries).toEqual(["DNS queries", "2 (2 answered, 0 without room)"]);
    expect(asked).toEqual(["  asked", "2, 1 from 1 kept answers, 0 failed"]);
    expect(upstream?.[1]).toBe("1 asked, 1 answered, 0 failed, 0 outrun");
  });
});
