// Ordinary traffic is carried as if bunnel were not there, with either method and any reverse-path filter.
// Needs root, /dev/net/tun, curl, nginx, dig, ping, nft.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { BLOCKED_NAME, contentDigest, type Family, type LiveLab, type Service, serverAddress } from "@bunnel/lab/live";
import { Fixture, FILTER_PATHS, RP_FILTERS, setReversePathFilter } from "./fixture.ts";
import { BULK_BYTES, downloadDigest, get, METHODS, SERVED_MS, STRATEGY, succeed, type Target, upload } from "./lab.ts";
import { type Nginx, NGINX_PORT } from "./nginx.ts";

setDefaultTimeout(240_000);

let fixture: Fixture;
let bulkFile: string;
let bulkDigest = "";
let lab: LiveLab;
let nginx: Nginx;

beforeAll(async () => {
  bulkDigest = contentDigest(BULK_BYTES);
  fixture = await Fixture.open();
  ({ lab } = fixture);
  nginx = await fixture.nginx(BULK_BYTES);
  bulkFile = await fixture.bulk(BULK_BYTES);
});

afterAll(() => fixture?.[Symbol.asyncDispose]());

async function reversePathFilters(): Promise<readonly number[]> {
  return (await succeed(lab.client, ["cat", ...FILTER_PATHS])).trim().split("\n").map(Number);
}

function packetsIn(report: Readonly<Record<string, unknown>> | undefined): number {
  return Number(report?.["packetsIn"]);
}

describe.each(METHODS)("with method %s", (method) => {
  describe.each(RP_FILTERS)("and rp_filter %i", (rpFilter) => {
    let service: Service;
    beforeAll(async () => {
      await setReversePathFilter(lab.client, rpFilter);
      service = await lab.up({ strategy: STRATEGY, method });
    });
    afterAll(async () => {
      const { status, report } = await service.stop();
      expect(status).toBe(0);
      // Without this, the tests above would say nothing: the messages really came up.
      expect(packetsIn(report)).toBeGreaterThan(0);
      expect(Number(report?.["replaced"])).toBeGreaterThan(0);
      expect(await reversePathFilters()).toEqual([rpFilter, rpFilter, rpFilter]);
    });

    test("it says which method it uses", () => {
      expect(service.report).toMatchObject({ up: true, method });
    });

    test.each([4, 6] as const)("curl gets pages over TLS and HTTP, IPv%i", async (family) => {
      for (const scheme of ["https", "http"] as const) {
        const result = await lab.fetch({ host: BLOCKED_NAME, scheme, family, timeoutMs: SERVED_MS });
        expect(result).toEqual({ outcome: "served", detail: `server saw ${BLOCKED_NAME}` });
      }
    });

    test.each([4, 6] as const)("nginx sees the name and the client's own address, IPv%i", async (family) => {
      const printed = await get(lab, nginxTarget(family), "/who");
      expect(printed).toBe(`${BLOCKED_NAME} ${BLOCKED_NAME} ${family === 4 ? "192.0.2.2" : "2001:db8:1::2"}`);
    });

    test.each([4, 6] as const)("ping comes back, IPv%i", async (family) => {
      const printed = await succeed(lab.client, ["ping", "-c", "3", "-i", "0.2", "-W", "2", serverAddress(family)]);
      expect(printed).toContain("3 packets transmitted, 3 received, 0% packet loss");
    });

    test.each([4, 6] as const)("a large ping is cut and put together again, IPv%i", async (family) => {
      const printed = await succeed(lab.client, ["ping", "-c", "1", "-s", "4000", "-W", "2", serverAddress(family)]);
      expect(printed).toContain("1 packets transmitted, 1 received");
    });

    test.each([4, 6] as const)("DNS is answered, IPv%i", async (family) => {
      const dig = ["dig", `@${serverAddress(family)}`, "+short", "+time=2", "+tries=2", "www.example.org"];
      expect(await succeed(lab.client, [...dig, "A"])).toBe(`${serverAddress(4)}\n`);
      expect(await succeed(lab.client, [...dig, "AAAA"])).toBe(`${serverAddress(6)}\n`);
    });
  });

  describe("a bulk transfer", () => {
    let service: Service;
    beforeAll(async () => {
      await setReversePathFilter(lab.client, 0);
      service = await lab.up({ strategy: STRATEGY, method });
    });
    afterAll(async () => {
      await service.stop();
    });

    const targets: readonly Target[] = [
      { family: 4, scheme: "https", port: 443, host: BLOCKED_NAME },
      { family: 6, scheme: "https", port: 443, host: BLOCKED_NAME },
    ];

    test.each(targets)("of 100 MB comes down unchanged, IPv$family", async (target) => {
      expect(await downloadDigest(lab, target, `/bytes/${BULK_BYTES}`)).toBe(bulkDigest);
    });

    test.each(targets)("of 100 MB goes up unchanged, IPv$family", async (target) => {
      const answer: unknown = JSON.parse(await upload(lab, target, "/digest", bulkFile));
      expect(answer).toEqual({ bytes: BULK_BYTES, sha256: bulkDigest });
    });

    test.each([4, 6] as const)("of 100 MB passes nginx both ways unchanged, IPv%i", async (family) => {
      const target = nginxTarget(family);
      expect(await downloadDigest(lab, target, "/down/bulk.bin")).toBe(bulkDigest);
      await upload(lab, target, `/up/bulk-${method}-${family}.bin`, bulkFile, "PUT");
      const arrived = await Bun.file(join(nginx.folder, `up/bulk-${method}-${family}.bin`)).bytes();
      expect(Bun.CryptoHasher.hash("sha256", arrived, "hex")).toBe(bulkDigest);
    });
  });
});

function nginxTarget(family: Family): Target {
  return { family, scheme: "https", port: NGINX_PORT, host: BLOCKED_NAME, authority: nginx.authority };
}
