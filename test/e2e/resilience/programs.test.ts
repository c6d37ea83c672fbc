// needs root: namespaces, /dev/net/tun, nft, dnsmasq, dig, iperf3
// Programs that people use, against servers that people use, with each reverse-path filter.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { serverAddress } from "@bunnel/lab/live";
import { succeed } from "../lab.ts";
import { FAMILIES, Rig, type Running } from "./rig.ts";

setDefaultTimeout(240_000);

const DNS_PORT = 5353;
const IPERF_PORTS = { 4: 5201, 6: 5202 } as const;
const UDP_BYTES = "1000000";
/** More than fits into a datagram that nobody has asked to be longer: RFC 1035 section 4.2.1, RFC 6891. */
const LONG_TEXT_COUNT = 12;
/** For iperf3: so much and no more, rather than for a time. */
const TCP_BYTES = "10000000";

const TRIES_MAX = 50;
const TRY_EVERY_MS = 50;

interface IperfReport {
  readonly error?: string;
  readonly end: {
    readonly sum_received?: { readonly bytes: number };
    /** Of datagrams. */
    readonly sum?: { readonly packets: number; readonly lost_packets: number };
  };
}

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.open();
  const { server } = rig.lab;
  const records = [
    `--address=/www.example.org/${serverAddress(4)}`,
    `--address=/www.example.org/${serverAddress(6)}`,
    ...Array.from({ length: LONG_TEXT_COUNT }, (_, i) => `--txt-record=long.example.org,${i}-${"x".repeat(200)}`),
  ];
  const words = ["--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", `--port=${DNS_PORT}`];
  server.spawn(["dnsmasq", ...words, "--user=root", "--pid-file=", ...records]);
  // Each bound to its address: unbound, it answers datagrams from another of its addresses, and clients hang.
  for (const family of FAMILIES) {
    server.spawn(["iperf3", "--server", "--port", String(IPERF_PORTS[family]), "--bind", serverAddress(family)]);
  }
  const listening = async (port: number): Promise<boolean> =>
    (await succeed(server, ["ss", "-Htln", `sport = :${port}`])).trim() !== "";
  for (const port of [DNS_PORT, ...Object.values(IPERF_PORTS)]) while (!(await listening(port))) await Bun.sleep(20);
});
afterAll(() => rig?.[Symbol.asyncDispose]());

const dig = (family: 4 | 6, ...words: string[]): Promise<string> =>
  succeed(rig.lab.client, [
    "dig",
    `@${serverAddress(family)}`,
    "-p",
    String(DNS_PORT),
    "+time=2",
    "+tries=3",
    ...words,
  ]);

async function iperf(family: 4 | 6, ...words: string[]): Promise<IperfReport["end"]> {
  const common = ["--client", serverAddress(family), "--port", String(IPERF_PORTS[family]), "--json"];
  for (let tries = 0; ; tries++) {
    const { stdout } = await rig.lab.client.run(["iperf3", ...common, ...words]);
    const { end, error } = JSON.parse(stdout) as IperfReport;
    if (error === undefined) return end;
    // The server takes a moment to see that the client before is gone.
    if (!error.includes("busy") || tries === TRIES_MAX) throw new Error(`iperf3 ${words.join(" ")}: ${error}`);
    await Bun.sleep(TRY_EVERY_MS);
  }
}

const CASES = [
  { method: "nft", rpFilter: 0 },
  { method: "nft", rpFilter: 1 },
  { method: "nft", rpFilter: 2 },
  { method: "rules", rpFilter: 0 },
  { method: "rules", rpFilter: 1 },
  { method: "rules", rpFilter: 2 },
] as const;

describe.each(CASES)("method $method, rp_filter $rpFilter", ({ method, rpFilter }) => {
  let running: Running;
  beforeAll(async () => {
    await rig.sh(`for i in all default eth0; do echo ${rpFilter} > /proc/sys/net/ipv4/conf/$i/rp_filter; done`);
    running = await rig.up({ method });
  });
  afterAll(async () => {
    expect((await running.service.stop()).status).toBe(0);
  });

  test.each(FAMILIES)("dig gets every kind of answer from dnsmasq, IPv%i", async (family) => {
    expect(await dig(family, "+short", "www.example.org", "A")).toBe(`${serverAddress(4)}\n`);
    expect(await dig(family, "+short", "www.example.org", "AAAA")).toBe(`${serverAddress(6)}\n`);
    expect(await dig(family, "+short", "+tcp", "www.example.org", "A")).toBe(`${serverAddress(4)}\n`);
    // Too long for a datagram of 512 octets: asked again over TCP. Long enough for fragments otherwise.
    const texts = (answer: string): number => answer.trim().split("\n").length;
    expect(texts(await dig(family, "+short", "+noedns", "long.example.org", "TXT"))).toBe(LONG_TEXT_COUNT);
    expect(texts(await dig(family, "+short", "+bufsize=4096", "long.example.org", "TXT"))).toBe(LONG_TEXT_COUNT);
  });

  test.each(FAMILIES)("iperf3 moves octets both ways, one stream and four, IPv%i", async (family) => {
    for (const way of [[], ["--reverse"], ["--parallel", "4"]]) {
      const { sum_received: received } = await iperf(family, "--bytes", TCP_BYTES, ...way);
      expect(received?.bytes).toBeGreaterThan(1_000_000);
    }
  });

  test.each(FAMILIES)("iperf3 moves datagrams both ways, IPv%i", async (family) => {
    for (const way of [[], ["--reverse"]]) {
      const end = await iperf(family, "--udp", "--bitrate", "50M", "--bytes", UDP_BYTES, ...way);
      expect(end.sum?.packets).toBeGreaterThan(100);
      expect(end.sum?.lost_packets).toBeLessThan(Number(end.sum?.packets) / 2);
    }
  });
});
