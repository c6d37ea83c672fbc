// needs root: namespaces, /dev/net/tun, nft; nginx and ngtcp2's server. `bunnel probe` against boxes of the gallery
// that stand for the ways to block: it must tell how, and find what helps. The whole gallery is measured by
// `bun tools/probe/document.ts`.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { ALLOWED_NAME, BLOCKED_NAME, serverAddress } from "@bunnel/lab/live";
import { openProbeRange, probeCase, type ProbeCase, runProbeCase } from "@bunnel/tools/probe";
import { PROGRAM } from "../cli/run.ts";
import { networkState, type NetworkState } from "./lab.ts";

// A run takes three to ten seconds; on a machine that is busy much more.
setDefaultTimeout(240_000);

const PATIENCE_SECONDS = 1;
/** Where nobody answers. */
const SHORT_PATIENCE_SECONDS = 0.5;
const QUIC_PATIENCE_SECONDS = 2;

let range: Awaited<ReturnType<typeof openProbeRange>>;
let before: NetworkState;

beforeAll(async () => {
  range = await openProbeRange();
  before = await networkState(range.lab.client);
});
afterAll(() => range?.[Symbol.asyncDispose]());

function run(probed: ProbeCase, words: readonly string[], patienceSeconds = PATIENCE_SECONDS) {
  return runProbeCase(range, probed, { patienceSeconds, families: [4], words });
}

/** What it is asked where no box stands in the case. */
function question(...words: readonly string[]): readonly string[] {
  return [
    ...[...PROGRAM, "probe", `${BLOCKED_NAME}/page.html`, "--harmless", ALLOWED_NAME, "--family", "4", "--no-quic"],
    ...["--resolve", `${BLOCKED_NAME}:${serverAddress(4)}`, "--resolve", `${ALLOWED_NAME}:${serverAddress(4, 9)}`],
    ...["--state-dir", range.fresh("state")],
    ...["--certificates", join(range.folder, "authority.pem"), "--resolver", serverAddress(4)],
    ...["--patience", String(PATIENCE_SECONDS), ...words],
  ];
}

describe("bunnel probe", () => {
  test.each([
    ["gfw-tls", PATIENCE_SECONDS, ["--no-quic"]],
    // A program is started for each request over QUIC, which takes its time where others are busy.
    ["gfw-quic", QUIC_PATIENCE_SECONDS, ["--parallel", "2"]],
    ["dns-hijack", PATIENCE_SECONDS, ["--no-quic"]],
  ] as const)("against %s: how, and what helps", async (name, patienceSeconds, words) => {
    const probed = probeCase(name);
    const found = await run(probed, words, patienceSeconds);
    expect(found.summary).toMatch(probed.says);
    expect(found.strategies).not.toEqual([]);
    expect(found.unsolved).toEqual([]);
    expect(found.status).toBe(0);
    expect(await networkState(range.lab.client)).toEqual(before);
  });

  test("finds nothing to do where nobody watches", async () => {
    const found = await run(probeCase("(nobody)"), ["--no-quic"]);
    expect([found.summary, found.strategies, found.tried, found.status]).toEqual(["open", [], 0, 0]);
  });

  test("says of a blocked address that no strategy helps, and tries none", async () => {
    const words = ["--no-quic", "--punished", "1"];
    const found = await run(probeCase("(address blocked)"), words, SHORT_PATIENCE_SECONDS);
    expect([found.summary, found.strategies, found.tried]).toEqual(["IP blocked (silent drop)", [], 0]);
  });

  test("says what was not tried where a box cannot be passed, and ends within its limits", async () => {
    const found = await run(probeCase("strict"), ["--no-quic", "--connections", "20"]);
    expect(found.summary).toMatch(/TLS by name \(silent drop\)/u);
    expect(found.unsolved).toContain("tls");
    expect(found.status).toBe(3);
    expect(found.connections).toBeLessThanOrEqual(24);
  });

  test("goes on where it was interrupted, and writes what it found into a profile", async () => {
    const { lab } = range;
    await lab.setCensor("packet");
    const state = range.fresh("state.json");
    const profile = range.fresh("profile.toml");
    const text = '# mine\n[[rule]]\nname = "mine" # kept\nstrategy = "pass"\n';
    await Bun.write(profile, text);
    const words = question("--state", state, "--profile", profile, "--write", "--json");
    const first = lab.client.spawn(words);
    await seenLine(first.stdout, '"type":"seen"');
    first.kill("SIGINT");
    expect(await first.exited).toBe(130);
    expect(await Bun.file(state).exists()).toBe(true);
    const second = await lab.client.run(words, { timeoutMs: 120_000 });
    expect(second.status).toBe(0);
    expect(second.stdout).toContain('"isKnown":true');
    expect(second.stdout).not.toContain('"type":"looking"');
    const written = await Bun.file(profile).text();
    expect(written.startsWith(text)).toBe(true);
    expect(written).toContain("split(");
    expect(await Bun.file(state).exists()).toBe(false);
  });

  test("gives up at an interrupt whatever is awaited, and leaves everything as it was", async () => {
    const { lab } = range;
    await lab.setCensor("packet");
    const state = range.fresh("state.json");
    // Longer than this test may take: only who gives up ends before.
    const child = lab.client.spawn(question("--state", state, "--json", "--patience", "60", "--repeats", "10"));
    await until(async () => (await lab.censorCounts()).some((counts) => (counts?.matched ?? 0) > 0));
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    const last = (await child.stdout.text()).trimEnd().split("\n").at(-1) ?? "";
    expect(JSON.parse(last)).toMatchObject({ type: "report", diagnoses: [], cut: "it was interrupted" });
    expect(await networkState(lab.client)).toEqual(before);
  }, 45_000);

  test.each([
    ["into its file, where no service runs", false],
    ["by the running service", true],
  ])("records what works into the memory of hosts, %s", async (_, isRunning) => {
    const { lab } = range;
    await lab.setCensor("geneva-2");
    const stateDir = range.fresh("memory");
    // The service's user must get through.
    chmodSync(range.folder, 0o755);
    await using stack = new AsyncDisposableStack();
    if (isRunning) stack.use(await lab.up({ stateDir, strategy: "pass" }));
    const words = question("--fresh", "--state", range.fresh("state.json"), "--state-dir", stateDir, "--json");
    const ran = await lab.client.run(words, { timeoutMs: 120_000 });
    expect(ran.status).toBe(0);
    const { recommendation } = JSON.parse(ran.stdout.trimEnd().split("\n").at(-1) ?? "") as Report;
    const listed = await lab.client.run([...PROGRAM, "hosts", "--json", "--state-dir", stateDir]);
    const { hosts } = JSON.parse(listed.stdout) as Hosts;
    expect(hosts.map(({ host }) => host)).toEqual([BLOCKED_NAME]);
    const worked = hosts[0]?.tried.filter((tried) => tried.worked > 0).map(({ strategy }) => strategy);
    expect(worked).toEqual(recommendation.rules.map(({ strategy }) => strategy));
    expect(hosts[0]?.tried.some(({ failed }) => failed > 0)).toBe(true);
  });

  test("beside a running service has controls that the service does not touch", async () => {
    const { lab } = range;
    await lab.setCensor("packet");
    await using _service = await lab.up({ strategy: "tls: split(1, midsld) disorder" });
    const ran = await lab.client.run(question("--fresh", "--state", range.fresh("state.json")), { timeoutMs: 120_000 });
    expect(ran.stdout).toContain("TLS by name (silent drop)");
    expect(ran.stdout).toContain('strategy = "tls: split(');
  });
});

interface Report {
  readonly recommendation: { readonly rules: readonly { readonly strategy: string }[] };
}

interface Hosts {
  readonly hosts: readonly {
    readonly host: string;
    readonly tried: readonly { readonly strategy: string; readonly worked: number; readonly failed: number }[];
  }[];
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await Bun.sleep(50);
}

/** Reads until a line has the words. */
async function seenLine(stdout: ReadableStream<Uint8Array>, words: string): Promise<void> {
  const reader = stdout.getReader();
  let text = "";
  while (!text.includes(words)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`expected ${words}, found ${text}`);
    text += new TextDecoder().decode(value);
  }
  // What comes behind it is read so that the program can go on.
  void (async () => {
    while (!(await reader.read()).done);
  })();
}
