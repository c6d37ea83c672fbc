import { afterEach, describe, expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { address, answer, query, read } from "../test/messages.ts";
import { framed, MessageReader } from "./framing.ts";
import { Resolver, type ResolverOptions } from "./resolver.ts";

const HOST = "www.example.org";
const HERE = "192.0.2.10";
const byUdp = { transport: "udp" } as const;
const byTcp = { transport: "tcp" } as const;

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0).toReversed()) one.close();
});

interface PlainServer {
  readonly port: number;
  readonly byUdp: Uint8Array[];
  readonly byTcp: Uint8Array[];
}

const TRIES_MAX = 50;

/** A server of plain DNS on one port by UDP and TCP; what `udp` and `tcp` give is sent, piece by piece. */
async function server(
  udp: (asked: Uint8Array) => readonly Uint8Array[],
  tcp: (asked: Uint8Array) => readonly Uint8Array[] = () => [],
  host = "127.0.0.1",
): Promise<PlainServer> {
  const asked = { byUdp: [] as Uint8Array[], byTcp: [] as Uint8Array[] };
  const socket = { data: answerDatagram };
  function answerDatagram(self: Bun.udp.Socket<"uint8array">, octets: Uint8Array, port: number, from: string): void {
    asked.byUdp.push(octets.slice());
    for (const piece of udp(octets)) self.send(piece, port, from);
  }
  const answerConnection = (connection: Socket): void => {
    const reader = new MessageReader();
    connection.on("error", () => undefined);
    connection.on("data", (chunk: Buffer) => {
      for (const octets of reader.push(chunk)) {
        asked.byTcp.push(octets);
        for (const piece of tcp(octets)) connection.write(piece);
      }
    });
  };
  for (let i = 0; ; i++) {
    const datagrams = await Bun.udpSocket({ hostname: host, binaryType: "uint8array", socket });
    const listener = createServer(answerConnection);
    const isListening = new Promise<boolean>((resolve) => {
      listener.once("error", () => resolve(false));
      listener.listen(datagrams.port, host, () => resolve(true));
    });
    if (await isListening) {
      open.push(datagrams, listener);
      return { port: datagrams.port, ...asked };
    }
    // Somebody has that port for TCP.
    datagrams.close();
    if (i === TRIES_MAX) throw new Error(`no port is free for UDP and TCP after ${TRIES_MAX} tries`);
  }
}

function resolver(port: number, options: Partial<ResolverOptions> = {}, host = "127.0.0.1"): Resolver {
  const made = new Resolver({ upstreams: [{ kind: "plain", address: host, port }], ...options });
  open.push(made);
  return made;
}

const good = (asked: Uint8Array): Uint8Array => answer(asked, { answers: [address(HOST, HERE)] });
const many = (asked: Uint8Array): Uint8Array =>
  answer(asked, { answers: Array.from({ length: 100 }, (_, i) => address(HOST, `192.0.2.${i}`)) });

describe("a resolver over plain DNS", () => {
  test("asks by UDP, each time under another number", async () => {
    const upstream = await server((asked) => [good(asked)]);
    const made = resolver(upstream.port, { cacheEntries: 0 });
    for (let id = 0; id < 4; id++) expect(read(await made.answer(query(HOST, { id }), byUdp)).id).toBe(id);
    expect(new Set(upstream.byUdp.map((asked) => read(asked).id)).size).toBeGreaterThan(1);
    expect(upstream.byTcp).toEqual([]);
  });

  test("asks over IPv6 as well", async () => {
    const upstream = await server((asked) => [good(asked)], undefined, "::1");
    const found = read(await resolver(upstream.port, {}, "::1").answer(query(HOST), byUdp));
    expect(found.answers).toMatchObject([{ data: HERE }]);
  });

  test("waits for the true answer while forged ones come", async () => {
    const upstream = await server((asked) => {
      const forged = good(asked);
      forged[0] = (forged[0] ?? 0) ^ 0xff;
      const other = answer(query("mail.example.org", { id: read(asked).id ?? 0 }), {});
      return [forged, other, Uint8Array.of(1), good(asked)];
    });
    const found = read(await resolver(upstream.port).answer(query(HOST), byUdp));
    expect(found.answers).toMatchObject([{ data: HERE }]);
  });

  test("asks by TCP what does not fit, and takes it in pieces", async () => {
    const upstream = await server(
      (asked) => [answer(asked, { flags: 0x0200 })],
      (asked) => {
        const whole = framed(many(asked));
        return [whole.slice(0, 1), whole.slice(1, 700), whole.slice(700)];
      },
    );
    const found = read(await resolver(upstream.port).answer(query(HOST), byTcp));
    expect(found.answers?.length).toBe(100);
    expect(upstream.byTcp.length).toBe(1);
  });

  test("calls for each socket before it sends", async () => {
    const upstream = await server((asked) => [good(asked)]);
    const prepared: number[] = [];
    const sockets = { prepareDatagrams: (descriptor: number) => void prepared.push(descriptor) };
    await resolver(upstream.port, { sockets }).answer(query(HOST), byUdp);
    expect(prepared.length).toBe(1);
    expect(prepared[0]).toBeGreaterThan(2);
  });

  test("nobody listens: SERVFAIL", async () => {
    const { port } = await server(() => []);
    for (const one of open.splice(0)) one.close();
    expect(read(await resolver(port, { timeoutMs: 300 }).answer(query(HOST), byUdp)).rcode).toBe("SERVFAIL");
  });

  test("serves as fallback when it is told so, and only then", async () => {
    const fallback = await server((asked) => [good(asked)]);
    const { port } = await server(() => []);
    const how = { ...byUdp, server: { kind: "plain", address: "127.0.0.1", port: fallback.port } } as const;
    const strict = resolver(port, { timeoutMs: 50 });
    expect(read(await strict.answer(query(HOST), how)).rcode).toBe("SERVFAIL");
    expect(fallback.byUdp.length).toBe(0);
    const made = resolver(port, { timeoutMs: 50, fallBack: true });
    expect(read(await made.answer(query(HOST), how)).answers).toMatchObject([{ data: HERE }]);
    expect(made.figures).toMatchObject({ failed: 1, fellBack: 1 });
  });

  test("leaves the names of a network to the server that was meant, and private addresses' names too", async () => {
    const mine = await server((asked) => [answer(asked, { rcode: 3 })]);
    const upstream = await server((asked) => [good(asked)]);
    const made = resolver(upstream.port, { serverNames: ["lan"] });
    const how = { ...byUdp, server: { kind: "plain", address: "127.0.0.1", port: mine.port } } as const;
    for (const name of ["router.lan", "LAN", "7.2.168.192.in-addr.arpa", "1.20.172.in-addr.arpa", "0.d.f.ip6.arpa"]) {
      expect(read(await made.answer(query(name), how)).rcode).toBe("NXDOMAIN");
    }
    for (const name of [
      "plan",
      "lan.example.org",
      "7.2.0.192.in-addr.arpa",
      "1.32.172.in-addr.arpa",
      "110.in-addr.arpa",
    ]) {
      await made.answer(query(name), how);
    }
    expect([mine.byUdp.length, upstream.byUdp.length]).toEqual([5, 5]);
    expect(made.figures.passedOn).toBe(5);
  });
});

describe("an answer by UDP", () => {
  test("that does not fit is empty with TC; by TCP it is whole", async () => {
    const upstream = await server((asked) => [many(asked)]);
    const made = resolver(upstream.port);
    const short = await made.answer(query(HOST), byUdp);
    expect(read(short)).toMatchObject({ flag_tc: true, answers: [], rcode: "NOERROR" });
    expect(short?.length).toBeLessThanOrEqual(512);
    expect(read(await made.answer(query(HOST), byTcp)).answers?.length).toBe(100);
    const wide = read(await made.answer(query(HOST, { udpBytes: 4096 }), byUdp));
    expect(wide).toMatchObject({ flag_tc: false });
    expect(wide.answers?.length).toBe(100);
  });

  test("leaves out what is only additional before it says that it is cut", async () => {
    const extra = Array.from({ length: 60 }, (_, i) => address("ns.example.org", `192.0.2.${i}`));
    const upstream = await server((asked) => [answer(asked, { answers: [address(HOST, HERE)], additionals: extra })]);
    const found = read(await resolver(upstream.port).answer(query(HOST), byUdp));
    expect(found).toMatchObject({ flag_tc: false, answers: [{ data: HERE }], additionals: [] });
  });
});
