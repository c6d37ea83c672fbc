// needs root: network namespaces, a TUN device and raw sockets.
// Many flows at once, each of them answered; beyond the profile's limit they are refused at once, and counted. How many
// is said by BUNNEL_FLOWS, such as 10000: the process needs two descriptors for each. Needs root, /dev/net/tun, nft.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type LiveLab, serverAddress } from "@bunnel/lab/live";
import { createLab } from "./lab.ts";

setDefaultTimeout(120_000);

const PEER = [process.execPath, join(import.meta.dir, "stream-peer.ts")];
/** Descriptors that a peer, and the service, need besides those of its flows. */
const BESIDE = 700;
/** Fewer than the 10 000 that a relay is made for, which take a minute on a slow machine. */
const WANTED = Number(process.env["BUNNEL_FLOWS"] ?? 2500);
const PATIENCE_MS = 110_000;

let lab: LiveLab;
beforeAll(async () => {
  lab = await createLab();
  const peer = lab.server.spawn([...PEER, "serve", serverAddress(4)]);
  await peer.stdout.getReader().read();
});
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
});

/** As many as are wanted, or as many as a process may have two descriptors for; proc(5), limits. */
function mostFlows(): number {
  const line = /^Max open files\s+\d+\s+(\d+|unlimited)/mu.exec(readFileSync("/proc/self/limits", "utf8"));
  const hard = Number(line?.[1] ?? "unlimited");
  return Number.isNaN(hard) ? WANTED : Math.min(WANTED, Math.floor((hard - BESIDE) / 2));
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
