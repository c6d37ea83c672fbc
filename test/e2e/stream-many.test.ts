// needs root: network namespaces, a TUN device and raw sockets.
// 10 000 flows at once, each of them answered, reset or half-closed as its server does it; beyond the profile's limit
// they are refused at once, and counted. Where a process may have fewer than 20 000 descriptors and some, which is a
// hard limit without CAP_SYS_RESOURCE, they are spread over relays with tables of their own. BUNNEL_FLOWS says another
// number. Needs root, /dev/net/tun, nft.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type LiveLab, serverAddress } from "@bunnel/lab/live";
import { createLab } from "./lab.ts";

setDefaultTimeout(240_000);

const PEER = [process.execPath, join(import.meta.dir, "stream-peer.ts")];
/** Descriptors that a peer needs besides those of its flows. */
const BESIDE = 700;
const WANTED = Number(process.env["BUNNEL_FLOWS"] ?? 10_000);
const PATIENCE_MS = 180_000;

let lab: LiveLab;
beforeAll(async () => {
  lab = await createLab();
  const peer = lab.server.spawn([...PEER, "serve", serverAddress(4)]);
  await peer.stdout.getReader().read();
});
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
});

/** As many as are wanted, or as many as a peer may have descriptors for; proc(5), limits. */
function mostFlows(): number {
  const line = /^Max open files\s+\d+\s+(\d+|unlimited)/mu.exec(readFileSync("/proc/self/limits", "utf8"));
  const hard = Number(line?.[1] ?? "unlimited");
  return Number.isNaN(hard) ? WANTED : Math.min(WANTED, hard - BESIDE);
}

function profile(maxFlows: number): string {
  return `[stream]\nmax_flows = ${maxFlows}\nmax_datagram_sessions = 1\n[[rule]]\nname = "stream"\nports = [7001]
egress = "stream"\nstrategy = "tls: split(1)"\n`;
}

async function askMany(count: number): Promise<unknown> {
  const command = [...PEER, "ask", serverAddress(4), "many", String(count)];
  const { stdout, stderr } = await lab.client.run(command, { timeoutMs: PATIENCE_MS });
  return stdout === "" ? stderr : JSON.parse(stdout);
}

describe("stream egress", () => {
  test("holds as many flows at once as are wanted, and moves octets on each", async () => {
    const flows = mostFlows();
    const service = await lab.up({ profile: profile(WANTED) });
    expect(await askMany(flows)).toEqual({ right: flows, of: flows });
    const { report } = await service.stop();
    expect(report?.["streamed"]).toMatchObject({ accepted: flows, overLimit: 0, refused: 0 });
  });

  test("refuses what is beyond its limit at once, and counts it", async () => {
    const service = await lab.up({ profile: profile(100) });
    expect(await askMany(140)).toEqual({ right: 100, of: 140, refused: 40 });
    const { report } = await service.stop();
    expect(report?.["streamed"]).toMatchObject({ accepted: 100, overLimit: 40 });
  });
});
