// needs root: /dev/net/tun, namespaces, nft, curl, dig
// `bunnel up` over every pump and number of queues.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { BLOCKED_NAME, type LiveLab, serverAddress } from "@bunnel/lab/live";
import { probeUring } from "@bunnel/tun-linux";
import { createLab, expectServed, STRATEGY, succeed } from "./lab.ts";

setDefaultTimeout(240_000);

/** So many that each of two queues gets some, but for once in a million runs. */
const ROUNDS = 10;
const PUMPS = probeUring() === "" ? ["plain", "uring"] : ["plain"];
const WAYS = PUMPS.flatMap((pump) => [1, 2].map((queues) => [pump, queues] as const));

/** `ip -d -j link`, as far as it is needed. */
interface LinkRow {
  readonly linkinfo: { readonly info_data: { readonly multi_queue: boolean; readonly numqueues: number } };
}

/** How many queues the kernel sees attached; a device for one has none to count. */
async function queuesOf(lab: LiveLab, device: string): Promise<number> {
  const printed = await succeed(lab.client, ["ip", "-d", "-j", "link", "show", "dev", device]);
  const [link] = JSON.parse(printed) as readonly LinkRow[];
  const data = link?.linkinfo.info_data;
  return data?.multi_queue === true ? data.numqueues : 1;
}

describe.each(WAYS)("pump %s, queues %i", (pump, queues) => {
  const words = ["--pump", pump, "--queues", String(queues)];

  test("every connection gets past the censor, whatever queue it takes", async () => {
    await using lab = await createLab();
    await lab.setCensor("first-packet");
    const before = await lab.fetch({ host: BLOCKED_NAME, scheme: "https", family: 4 });
    expect(before).toMatchObject({ outcome: "reset" });
    const service = await lab.up({ strategy: STRATEGY, words });
    expect(service.report).toMatchObject({ up: true, pumps: Array.from({ length: queues }, () => pump) });
    expect(await queuesOf(lab, String(service.report["device"]))).toBe(queues);
    for (let round = 0; round < ROUNDS; round++) {
      for (const family of lab.families) {
        for (const scheme of ["https", "http"] as const) {
          await expectServed(lab, { host: BLOCKED_NAME, scheme, family });
        }
      }
    }
    for (const family of lab.families) {
      const dig = ["dig", `@${serverAddress(family)}`, "+short", "+time=2", "+tries=2", "www.example.org", "A"];
      expect(await succeed(lab.client, dig)).toBe(`${serverAddress(4)}\n`);
    }
    const { status, report } = await service.stop();
    expect(status).toBe(0);
    expect(report).toMatchObject({ up: false, replaced: 4 * ROUNDS, egressRefused: 0, queueDropped: 0 });
  });

  test("the distance of a server is known, whatever queue its connection takes", async () => {
    await using lab = await createLab();
    await lab.setCensor("full-first");
    const service = await lab.up({ strategy: "tls: fake(ttl=auto-1)", words });
    for (let round = 0; round < ROUNDS; round++) {
      const family = round % 2 === 0 ? 4 : 6;
      await expectServed(lab, { host: BLOCKED_NAME, scheme: "https", family });
    }
    const { report } = await service.stop();
    expect(report).toMatchObject({ fakes: ROUNDS, replaced: ROUNDS });
  });
});
