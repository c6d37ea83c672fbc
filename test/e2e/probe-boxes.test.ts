// needs root: namespaces, /dev/net/tun, nft; nginx and ngtcp2's server. `bunnel probe` against boxes that punish a
// client for good, that punished it before, and that hold back answers.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { BLOCKED_NAME, type Family, type LiveLab, serverAddress } from "@bunnel/lab/live";
import { openProbeRange, probeCase, runProbeCase } from "@bunnel/tools/probe";
import { PROGRAM } from "../cli/run.ts";
import { networkState, type NetworkState } from "./lab.ts";

// A run takes three to fifteen seconds; on a machine that is busy much more.
setDefaultTimeout(240_000);

/** Addresses outlive a killed probe by so long at most. */
const VALID_SECONDS_MAX = 60;

/** Further addresses of the client. */
const SPARE = Array.from({ length: 12 }, (_, index) => `192.0.2.${100 + index}`);

let range: Awaited<ReturnType<typeof openProbeRange>>;
let before: NetworkState;

beforeAll(async () => {
  range = await openProbeRange();
  before = await networkState(range.lab.client);
});
afterAll(() => range?.[Symbol.asyncDispose]());

function run(name: string, families: readonly Family[], ...words: readonly string[]) {
  return runProbeCase(range, probeCase(name), { patienceSeconds: 1, families, words: ["--no-quic", ...words] });
}

describe("bunnel probe", () => {
  test("tries each strategy from an address of its own where a box punishes its client for good", async () => {
    const found = await run("geneva-8b", [4, 6]);
    expect(found.summary).toMatch(/^TLS by name \(RST\).*penalty time$/u);
    expect(found.strategies).not.toEqual([]);
    expect([found.unsolved, found.unproved, found.status]).toEqual([[], [4], 0]);
    const { client } = range.lab;
    expect(await networkState(client)).toEqual(before);
    // With IPv4 addresses to spare it is proved there too.
    for (const address of SPARE) await client.run(["ip", "address", "add", `${address}/24`, "dev", "eth0"]);
    const again = await run("geneva-8b", [4, 6]);
    expect([again.strategies, again.unsolved, again.unproved]).toEqual([found.strategies, [], []]);
    for (const address of SPARE) await client.run(["ip", "address", "delete", `${address}/24`, "dev", "eth0"]);
  });

  test("has addresses that go by themselves, should it be killed", async () => {
    const { lab } = range;
    await lab.setCensor("geneva-1");
    const known = ["--resolve", `${BLOCKED_NAME}:${serverAddress(6)}`, "--harmless", "allowed.example.org"];
    const harmless = ["--resolve", `allowed.example.org:${serverAddress(6, 9)}`];
    const words = [...known, ...harmless, "--no-quic", "--patience", "1", "--state", range.fresh("state.json")];
    const child = lab.client.spawn([...PROGRAM, "probe", BLOCKED_NAME, ...words, "--resolver", serverAddress(4)]);
    let added: readonly Address[] = [];
    while (added.length === 0 && child.exitCode === null) added = await addedAddresses(lab);
    child.kill("SIGKILL");
    await child.exited;
    added = await addedAddresses(lab);
    expect(added.length).toBeGreaterThan(0);
    for (const { deprecated, valid_life_time: valid } of added) {
      // Nothing else of the machine chooses it for itself.
      expect(deprecated).toBe(true);
      expect(valid).toBeLessThanOrEqual(VALID_SECONDS_MAX);
    }
    for (const { local } of added) await lab.client.run(["ip", "address", "delete", `${local}/128`, "dev", "eth0"]);
  });

  test("does not take a punishment from before for a blocked address", async () => {
    const { lab } = range;
    await lab.setCensor("iran");
    const hit = await lab.fetch({ host: BLOCKED_NAME, scheme: "https", family: 6, timeoutMs: 1000 });
    expect(hit.outcome).not.toBe("served");
    const found = await runProbeCase(range, probeCase("iran"), {
      ...{ patienceSeconds: 1, families: [6], keepsBox: true },
      // Enough to tell what it is.
      words: ["--no-quic", "--connections", "16"],
    });
    expect(found.summary).toBe("TLS by name (silent drop), HTTP by name (silent drop), penalty time");
  });

  test.each(["freezes-names", "slows-names"])("against %s: how, and what helps", async (name) => {
    const probed = probeCase(name);
    const { patienceSeconds = 1 } = probed;
    const words = ["--no-quic", "--repeats", "2", "--parallel", "8"];
    const found = await runProbeCase(range, probed, { patienceSeconds, families: [4], words });
    expect(found.summary).toMatch(probed.says);
    expect(found.strategies).not.toEqual([]);
    expect([found.unsolved, found.status]).toEqual([[], 0]);
  });
});

interface Address {
  readonly local: string;
  readonly prefixlen: number;
  readonly deprecated?: boolean;
  readonly valid_life_time: number;
}

/** What the probe has added, as ip(8) tells it. */
async function addedAddresses(lab: LiveLab): Promise<readonly Address[]> {
  const { stdout } = await lab.client.run(["ip", "-j", "-6", "address", "show", "dev", "eth0"]);
  const [link] = JSON.parse(stdout) as readonly { readonly addr_info: readonly Address[] }[];
  return (link?.addr_info ?? []).filter(({ prefixlen }) => prefixlen === 128);
}
