// Flows of stream rules are carried by sockets as if nothing were there, whatever the reverse-path filter; what cannot
// be reached is refused; however it ends, the network is as before. Needs root, /dev/net/tun, curl, nginx, dig, nft.
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import {
  BLOCKED_NAME,
  contentDigest,
  ECHO_PORT,
  type Family,
  type LiveLab,
  type Service,
  serverAddress,
} from "@bunnel/lab/live";
import { Fixture, RP_FILTERS, setReversePathFilter } from "./fixture.ts";
import {
  downloadDigest,
  expectServed,
  get,
  METHODS,
  networkState,
  SERVED_MS,
  succeed,
  type Target,
  upload,
} from "./lab.ts";
import { type Nginx, NGINX_PORT } from "./nginx.ts";
import { GREETING, type Question } from "./stream-peer.ts";

setDefaultTimeout(240_000);

const PEER = [process.execPath, join(import.meta.dir, "stream-peer.ts")];
const PROFILE = `
[[rule]]
name = "stream"
ports = ["80", "443", "7001-7003", "${NGINX_PORT}"]
egress = "stream"
strategy = "tls: tlsrec(sniext+1) split(1, midsld)  http: split(method+2)"
`;
const BULK_BYTES = 50_000_000;
/** Drops what comes in by an interface that does not lead to its source, and what no connection asked for. */
const FIREWALL = `
table inet wall {
  chain paths {
    type filter hook prerouting priority raw + 10
    fib saddr . iif oif missing drop
  }
  chain in {
    type filter hook input priority filter; policy drop
    iif lo accept
    ct state established,related accept
    ip6 nexthdr icmpv6 accept
  }
}`;

let fixture: Fixture;
let lab: LiveLab;
let nginx: Nginx;
let bulkFile: string;

beforeAll(async () => {
  fixture = await Fixture.open();
  ({ lab } = fixture);
  nginx = await fixture.nginx();
  bulkFile = await fixture.bulk(BULK_BYTES);
  const peer = lab.server.spawn([...PEER, "serve", ...lab.families.map((family) => serverAddress(family))]);
  await peer.stdout.getReader().read();
});

afterAll(() => fixture?.[Symbol.asyncDispose]());

async function ask(what: Question, family: Family): Promise<unknown> {
  return JSON.parse(await succeed(lab.client, [...PEER, "ask", serverAddress(family), what]));
}

function nginxTarget(family: Family): Target {
  return { family, scheme: "https", port: NGINX_PORT, host: BLOCKED_NAME, authority: nginx.authority };
}

async function expectPages(): Promise<void> {
  for (const family of lab.families) {
    for (const scheme of ["https", "http"] as const) {
      const result = await lab.fetch({ host: BLOCKED_NAME, scheme, family, timeoutMs: SERVED_MS });
      expect(result).toEqual({ outcome: "served", detail: `server saw ${BLOCKED_NAME}` });
    }
  }
}

/** How many packets were translated, and that nothing was lost on the way out. */
function expectTranslated(report: Readonly<Record<string, unknown>> | undefined): void {
  const reasons = (report?.["reasons"] ?? {}) as Readonly<Record<string, number>>;
  expect(reasons["ReplaceTranslated"]).toBeGreaterThan(0);
  expect([report?.["egressRefused"], report?.["translationsRefused"]]).toEqual([0, 0]);
}

describe.each(METHODS)("with method %s", (method) => {
  describe.each(RP_FILTERS)("and rp_filter %i", (rpFilter) => {
    let service: Service;
    beforeAll(async () => {
      await setReversePathFilter(lab.client, rpFilter);
      service = await lab.up({ profile: PROFILE, method });
    });
    afterAll(async () => {
      const { status, report } = await service.stop();
      expect(status).toBe(0);
      expectTranslated(report);
    });

    test("pages are served over TLS and HTTP, IPv4 and IPv6", expectPages);

    test.each([4, 6] as const)("a server sees the name and this machine's address, IPv%i", async (family) => {
      const printed = await get(lab, nginxTarget(family), "/who");
      expect(printed).toBe(`${BLOCKED_NAME} ${BLOCKED_NAME} ${family === 4 ? "192.0.2.2" : "2001:db8:1::2"}`);
    });

    test.each([4, 6] as const)("a closed port is closed, IPv%i", async (family) => {
      expect(await ask("closed", family)).toEqual({ text: "", bytes: 0, how: "ECONNREFUSED" });
    });

    test.each([4, 6] as const)("what is no stream goes on as ever, IPv%i", async (family) => {
      const printed = await succeed(lab.client, ["ping", "-c", "1", "-W", "2", serverAddress(family)]);
      expect(printed).toContain("1 packets transmitted, 1 received");
      const dig = ["dig", `@${serverAddress(family)}`, "+short", "+time=2", "+tries=2", "www.example.org", "A"];
      expect(await succeed(lab.client, dig)).toBe(`${serverAddress(4)}\n`);
    });
  });

  describe("a connection", () => {
    let service: Service;
    beforeAll(async () => {
      await setReversePathFilter(lab.client, 0);
      service = await lab.up({ profile: PROFILE, method });
    });
    afterAll(async () => {
      expectTranslated((await service.stop()).report);
    });

    test.each([4, 6] as const)("whose client ends first hears the rest, IPv%i", async (family) => {
      expect(await ask("half-close", family)).toMatchObject({ text: "heard 100005", how: "end" });
    });

    test.each([4, 6] as const)("that the server resets is reset, IPv%i", async (family) => {
      expect(await ask("reset", family)).toMatchObject({ how: "ECONNRESET" });
    });

    test.each([4, 6] as const)("whose server speaks first is heard, IPv%i", async (family) => {
      expect(await ask("greeting", family)).toMatchObject({ text: GREETING, how: "end" });
    });

    test.each([4, 6] as const)("with a slow reader loses nothing, IPv%i", async (family) => {
      expect(await ask("slow", family)).toMatchObject({ bytes: 8_000_000, how: "end" });
    });

    test.each([4, 6] as const)("beside 1199 others is answered as it should, IPv%i", async (family) => {
      expect(await ask("many", family)).toEqual({ right: 1200, of: 1200 });
    });

    test.each([4, 6] as const)("of 50 MB passes nginx both ways unchanged, IPv%i", async (family) => {
      const name = `up/${method}-${family}.bin`;
      await upload(lab, nginxTarget(family), `/${name}`, bulkFile, "PUT");
      const arrived = await Bun.file(join(nginx.folder, name)).bytes();
      expect(Bun.CryptoHasher.hash("sha256", arrived, "hex")).toBe(contentDigest(BULK_BYTES));
      const target: Target = { family, scheme: "https", port: 443, host: BLOCKED_NAME };
      expect(await downloadDigest(lab, target, `/bytes/${BULK_BYTES}`)).toBe(contentDigest(BULK_BYTES));
    });
  });
});

describe("stream egress", () => {
  let service: Service | undefined;
  afterEach(async () => {
    await service?.stop();
    service = undefined;
    await lab.setCensor(undefined);
  });

  test("works behind a firewall that looks at paths and states", async () => {
    service = await lab.up({ profile: PROFILE });
    await succeed(lab.client, ["nft", FIREWALL]);
    try {
      await expectPages();
      await ask("half-close", 4);
    } finally {
      await succeed(lab.client, ["nft", "delete", "table", "inet", "wall"]);
    }
  });

  test("passes a box that reassembles and validates, which knows one record at a time", async () => {
    const order = { host: BLOCKED_NAME, scheme: "https" } as const;
    await lab.setCensor("full-valid");
    expect((await lab.fetch({ ...order, family: 4 })).outcome).not.toBe("served");
    service = await lab.up({ profile: PROFILE });
    for (const family of lab.families) await expectServed(lab, { ...order, family });
  });

  test("leaves connections alone that were open before, and the network as it was", async () => {
    const { stateDir } = fixture;
    const before = await networkState(lab.client);
    const { client } = lab.children;
    const id = await client.call("open", { address: serverAddress(4), port: ECHO_PORT });
    const profile = PROFILE.replace("7001", String(ECHO_PORT)).replace(/"\d+-7003"/u, `"${ECHO_PORT}"`);
    service = await lab.up({ profile, stateDir });
    expect(await client.call("exchange", { id, text: "while it runs" })).toBe("while it runs");
    const other = await client.call("open", { address: serverAddress(4), port: ECHO_PORT });
    expect(await client.call("exchange", { id: other, text: "translated" })).toBe("translated");
    const { report } = await service.stop();
    expectTranslated(report);
    service = undefined;
    expect(await networkState(lab.client)).toEqual(before);
    expect(await client.call("exchange", { id, text: "after the stop" })).toBe("after the stop");
    await expectPages();
  });

  test("killed, it leaves a network that works at once, and no connection of its own behind", async () => {
    service = await lab.up({ profile: PROFILE });
    await expectPages();
    for (const family of lab.families) {
      const id = await lab.children.client.call("open", { address: serverAddress(family), port: 7001 });
      await lab.children.client.call("exchange", { id, text: "while it runs" });
    }
    const device = (await networkState(lab.client)).addresses.find((line) => line.startsWith("bunnel0")) ?? "";
    const own = device.split(/\s+/u).flatMap((word) => (word.includes("/") ? [word.replace(/\/\d+$/u, "")] : []));
    expect(own.length).toBeGreaterThanOrEqual(lab.families.length);
    await service.kill();
    service = undefined;
    // One that waits for answers without its process keeps a device over IPv6 from going, and the process with it.
    const sockets = await succeed(lab.client, ["ss", "-Htan", "state", "connected", "exclude", "time-wait"]);
    expect(sockets.split("\n").filter((line) => own.some((address) => line.includes(address)))).toEqual([]);
    await expectPages();
    expect(await ask("closed", 4)).toMatchObject({ how: "ECONNREFUSED" });
  });
});
