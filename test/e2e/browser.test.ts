// needs root: namespaces, /dev/net/tun, nft; chromium where there is one. A real browser, whose hello does not fit into
// one segment, behind a box that blocks by host name.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { BLOCKED_NAME, type LiveLab, serverAddress } from "@bunnel/lab/live";
import { clientHello, POST_QUANTUM_SHARE_BYTES } from "@bunnel/wire";
import { BROWSER, browserCommand } from "../captures/browser.ts";
import { TempFolder } from "../cli/run.ts";
import { createLab, STRATEGY, succeed } from "./lab.ts";

setDefaultTimeout(240_000);

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
  const url = `https://${BLOCKED_NAME}/who`;
  const words = browserCommand(folder.file(`browser-${runs++}`), url, serverAddress(4));
  const env = { HOME: folder.path, TMPDIR: folder.path };
  const { stdout } = await lab.client.run(words, { env, timeoutMs });
  return stdout;
}

const SERVED = `"serverName":"${BLOCKED_NAME}"`;

/** Puts segments together in order. */
const BOX = "inorder";

/** A browser that is blocked tries for longer than anybody waits. */
const BLOCKED_MS = 6000;
const SERVED_MS = 25_000;

/** Where there is no browser, what one would send is sent by hand below. */
test.each(BROWSER === undefined ? [] : [BROWSER])("%s is blocked, and served while bunnel runs", async () => {
  await lab.setCensor(BOX);
  expect(await browse(BLOCKED_MS)).not.toContain(SERVED);
  expect((await lab.censorCounts())[0]?.matched).toBeGreaterThan(0);
  await using service = await lab.up({ strategy: STRATEGY, method: "nft" });
  expect(await browse(SERVED_MS)).toContain(SERVED);
  expect(Number((await service.stop()).report?.["replaced"])).toBeGreaterThan(0);
});

test.each([4, 6] as const)("a hello of its size is blocked, and answered while bunnel runs: IPv%i", async (family) => {
  const hello = clientHello({ serverName: BLOCKED_NAME, keyShareBytes: POST_QUANTUM_SHARE_BYTES, padToBytes: 1900 });
  const script = `exec 3<>/dev/tcp/${serverAddress(family)}/443; cat >&3; timeout 2 head -c 1 <&3 | wc -c`;
  const answered = async (): Promise<boolean> => {
    return (await succeed(lab.client, ["bash", "-c", script], hello)).trim() === "1";
  };
  await lab.setCensor(undefined);
  expect(await answered()).toBe(true);
  await lab.setCensor(BOX);
  expect(await answered()).toBe(false);
  await using service = await lab.up({ strategy: STRATEGY, method: "nft" });
  expect(await answered()).toBe(true);
  expect(Number((await service.stop()).report?.["replaced"])).toBeGreaterThan(0);
});
