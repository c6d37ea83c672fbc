// needs root: namespaces, /dev/net/tun, nft; nginx, ngtcp2's client and server, curl, dig, tcpdump; chromium where
// there is one. A part of the live table: real clients, servers and the program itself, cell by cell as the simulation
// has it. Of a cell that changed the packets are left behind, live and simulated, as pcapng to open. The whole table is
// measured by `bun tools/evasion/live.ts`.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CensorName, EngineRig } from "@bunnel/lab";
import { BLOCKED_NAME } from "@bunnel/lab/live";
import { checkRow, liveClient, LiveRange, type LiveRow, simulatedRow } from "@bunnel/tools/evasion";

// A row takes two or three seconds; one whose cells are measured again on a busy machine takes much more.
setDefaultTimeout(240_000);

/** Less than a whole table takes: a cell that differs gets more. */
const PATIENCE_MS = 1500;
const BROWSER_PATIENCE_MS = 6000;
const FIRST: readonly CensorName[] = [
  ...(["packet", "first-packet", "inorder", "full-first", "full-last", "gfw-tls", "tspu", "henan"] as const),
];

function row(client: string, strategy: string, ...boxes: readonly CensorName[]): LiveRow {
  return { client: liveClient(client), strategy, boxes, patienceMs: PATIENCE_MS };
}

const ROWS: readonly LiveRow[] = [
  row("curl, TLS 1.3", "(nothing)", ...FIRST),
  row("curl, TLS 1.3", "split in the name", ...FIRST),
  row("curl, TLS 1.3", "fake ttl + disorder", ...FIRST),
  row("curl, TLS 1.3", "fakedsplit ttl", ...FIRST),
  row("curl, TLS 1.3", "tls records + split", "packet", "full-first", "gfw-tls", "tspu"),
  row("curl, TLS 1.2", "disorder", "packet", "inorder", "full-first"),
  row("curl, HTTP/2", "fake md5sig", "packet", "full-first", "strict"),
  row("curl, HTTP", "(nothing)", "http-tap", "first-packet"),
  row("curl, HTTP", "http case", "http-tap"),
  row("curl, HTTP", "http padding", "http-tap"),
  row("ngtcp2, QUIC", "(nothing)", "gfw-quic"),
  row("ngtcp2, QUIC", "quic fake initial", "gfw-quic"),
  row("dig", "(nothing)", "dns-hijack"),
];

const BROWSER_ROW: LiveRow = {
  ...row("Chromium", "disorder", "packet", "inorder", "full-first"),
  patienceMs: BROWSER_PATIENCE_MS,
};

const folder = mkdtempSync(join(tmpdir(), "bunnel-evasion-"));
let isChanged = false;
let range: LiveRange;
let rig: EngineRig;

beforeAll(async () => {
  [range, rig] = await Promise.all([LiveRange.open(), EngineRig.create()]);
});
afterAll(async () => {
  await range?.[Symbol.asyncDispose]();
  if (isChanged) console.error(`the packets of changed cells are in ${folder}`);
  else rmSync(folder, { recursive: true });
});

async function changes(wanted: LiveRow): Promise<readonly string[]> {
  const lines = await checkRow(range, rig, { ...wanted, expected: simulatedRow(rig, wanted), folder });
  isChanged ||= lines.length > 0;
  return lines;
}

test.each(ROWS.map((wanted) => [`${wanted.client.name}: ${wanted.strategy}`, wanted] as const))(
  "%s: every box does what it does in the simulation",
  async (_, wanted) => {
    expect(await changes(wanted)).toEqual([]);
  },
);

test.each(BROWSER_ROW.client.isThere ? [BROWSER_ROW] : [])(
  "$client.name: $strategy: every box does what it does in the simulation",
  async (wanted) => {
    expect(await changes(wanted)).toEqual([]);
  },
);

test("a changed cell is found, named and written as packets", async () => {
  const wanted = row("curl, HTTP", "(nothing)", "packet", "full-first");
  const expected = { packet: "served", "full-first": "blocked" } as const;
  const lines = await checkRow(range, rig, { ...wanted, expected, folder });
  expect(lines).toHaveLength(1);
  const [, told = "", live = "", simulated = ""] = /^(.*) \((\S+), (\S+)\)$/.exec(lines[0] ?? "") ?? [];
  expect(told).toBe("curl, HTTP: (nothing) against packet: expected served, found blocked");
  const name = Buffer.from(`Host: ${BLOCKED_NAME}`);
  expect(Buffer.from(await Bun.file(live).bytes()).includes(name)).toBe(true);
  expect((await Bun.file(simulated).bytes()).length).toBeGreaterThan(0);
});
