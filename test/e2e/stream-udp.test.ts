// needs root: network namespaces, a TUN device and raw sockets.
// Datagrams and echo requests of stream rules are carried by sockets as if nothing were there: answers, errors, big
// ones, many at a time. Needs root, /dev/net/tun, ping, traceroute, nft.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { type Family, type LiveLab, type Service, serverAddress } from "@bunnel/lab/live";
import { createLab, METHODS, succeed } from "./lab.ts";
import type { DatagramQuestion } from "./datagram-peer.ts";

setDefaultTimeout(240_000);

const PEER = [process.execPath, join(import.meta.dir, "datagram-peer.ts")];
const PROFILE = `
[stream]
max_datagram_sessions = 2048
[[rule]]
name = "datagrams"
ports = ["7011-7013", "33434-33534"]
egress = "stream"
carries = ["udp", "icmp"]
strategy = "pass"
`;
let lab: LiveLab;

beforeAll(async () => {
  lab = await createLab();
  const peer = lab.server.spawn([...PEER, "serve", ...lab.families.map((family) => serverAddress(family))]);
  await peer.stdout.getReader().read();
});

afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
});

async function ask(what: DatagramQuestion, family: Family): Promise<unknown> {
  return JSON.parse(await succeed(lab.client, [...PEER, "ask", serverAddress(family), what]));
}

describe.each(METHODS)("with method %s", (method) => {
  let service: Service;
  beforeAll(async () => {
    service = await lab.up({ profile: PROFILE, method });
  });
  afterAll(async () => {
    const { status, report } = await service.stop();
    expect(status).toBe(0);
    const carried = report?.["carried"] as Readonly<Record<string, number>>;
    expect(carried).toMatchObject({ sessionsEvicted: 0, fragmentsLost: 0, dropped: 0 });
    expect(carried["echoesReceived"]).toBeGreaterThanOrEqual(18);
    expect(carried["errorsTold"]).toBeGreaterThan(0);
  });

  test.each([4, 6] as const)("datagrams of 0 to 65 000 octets come back unchanged, IPv%i", async (family) => {
    expect(await ask("sizes", family)).toEqual({ right: [0, 1, 512, 1200, 1472, 1473, 4000, 20_000, 65_000] });
  });

  test.each([4, 6] as const)("an answer comes from whom it was asked of, IPv%i", async (family) => {
    const own = family === 4 ? "192.0.2.2" : "2001:db8:1::2";
    const { from, seen } = (await ask("who", family)) as { from: string; seen: string };
    expect(from).toBe(`${serverAddress(family)} 7012`);
    expect(seen).toStartWith(`${own} `);
  });

  test.each([4, 6] as const)("a closed port is closed, IPv%i", async (family) => {
    expect(await ask("closed", family)).toEqual({ error: "ECONNREFUSED" });
  });

  test.each([4, 6] as const)("1000 sockets at once are told apart, IPv%i", async (family) => {
    expect(await ask("sessions", family)).toEqual({ first: 1000, second: 1000, of: 1000 });
  });

  test.each([4, 6] as const)("a burst is answered whole, IPv%i", async (family) => {
    expect(await ask("burst", family)).toEqual({ heard: 200, of: 200 });
  });

  test.each([4, 6] as const)("traceroute sees every hop, by datagrams and by echoes, IPv%i", async (family) => {
    for (const way of [[], ["-I"]]) {
      const command = ["traceroute", "-n", "-q", "1", "-w", "3", ...way, serverAddress(family)];
      const hops = (await succeed(lab.client, command)).trim().split("\n").slice(1);
      expect(hops.at(-1)).toContain(`${serverAddress(family)} `);
      expect(hops.join("\n")).not.toContain("*");
      expect(hops.length).toBe(3);
    }
  });

  test.each([4, 6] as const)("ping works, with octets that fit into no packet too, IPv%i", async (family) => {
    for (const size of ["56", "1400", "4000"]) {
      const command = ["ping", "-c", "3", "-i", "0.2", "-W", "5", "-s", size, serverAddress(family)];
      expect(await succeed(lab.client, command)).toContain("3 packets transmitted, 3 received");
    }
  });
});
