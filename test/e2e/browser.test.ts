// A real browser, whose hello does not fit into one segment, behind a box that blocks by host name. Needs root,
// /dev/net/tun, nft, chromium.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { BLOCKED_NAME, type LiveLab, serverAddress } from "@bunnel/lab/live";
import { CHROMIUM } from "../captures/clients.ts";
import { TempFolder } from "../cli/run.ts";
import { createLab } from "./lab.ts";

setDefaultTimeout(60_000);

const folder = new TempFolder();
let lab: LiveLab;
let runs = 0;

beforeAll(async () => {
  lab = await createLab();
});
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** What the browser shows of the server's page; each run is a browser that was never used. */
async function browse(timeoutMs: number): Promise<string> {
  const words = [
    ...[...CHROMIUM, `--user-data-dir=${folder.file(`browser-${runs++}`)}`],
    ...[
      `--host-resolver-rules=MAP ${BLOCKED_NAME} ${serverAddress(4)}, MAP * ~NOTFOUND`,
      `https://${BLOCKED_NAME}/who`,
    ],
  ];
  const { stdout } = await lab.client.run(words, {
    env: { HOME: folder.path, TMPDIR: folder.path },
    timeoutMs,
  });
  return stdout;
}

const SERVED = `"serverName":"${BLOCKED_NAME}"`;

/** A browser that is blocked tries for longer than anybody waits. */
const BLOCKED_MS = 6000;
const SERVED_MS = 25_000;

test("Chromium is blocked by a box that puts segments together in order, and served while bunnel runs", async () => {
  await lab.setCensor("inorder");
  expect(await browse(BLOCKED_MS)).not.toContain(SERVED);
  expect((await lab.censorCounts())[0]?.matched).toBeGreaterThan(0);
  const service = await lab.up({ strategy: "tls: split(1, midsld) disorder", method: "nft" });
  expect(await browse(SERVED_MS)).toContain(SERVED);
  const { report } = await service.stop();
  expect(Number(report?.["replaced"])).toBeGreaterThan(0);
});
