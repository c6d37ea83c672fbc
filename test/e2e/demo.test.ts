// The demonstration shows what it should, at every level, and leaves nothing behind. Needs root, /dev/net/tun, curl.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { bunnel, PROGRAM } from "../cli/run.ts";
import { family, namespacesOf, processesIn, Room, survivors } from "./traces.ts";

setDefaultTimeout(240_000);

interface Report {
  readonly level: string;
  readonly passed: boolean;
  readonly summary: string;
  readonly details: readonly string[];
  readonly tables: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>;
}

const CENSORS = ["packet", "first-packet", "inorder", "full-first", "full-cksum", "full-last", "strict"];

/** One letter per censor: s served, b blocked, r reset. The same for HTTPS and HTTP, live and simulated. */
const EXPECTED: Readonly<Record<string, string>> = {
  "without bunnel": "brbbbbb",
  split: "ssbbbbb",
  disorder: "sssbbbb",
  "fake ttl": "bssssbb",
  "fake badsum": "bsssbbb",
  "fake ttl + split": "sssssbb",
  "fake ttl + disorder": "sssssbb",
  "fake badsum + disorder": "ssssbbb",
};
const QUICK = ["without bunnel", "split", "disorder", "fake ttl + disorder"];

function expectedTable(titles: readonly string[]): Report["tables"][string] {
  const words: Readonly<Record<string, string>> = { s: "served", b: "blocked", r: "reset" };
  const row = (letters: string) => Object.fromEntries(CENSORS.map((name, i) => [name, words[letters[i] ?? ""] ?? ""]));
  return Object.fromEntries(titles.map((title) => [title, row(EXPECTED[title] ?? "")]));
}

/** Makes a device node that everybody may open, in a mount namespace of its own, and goes on as nobody. */
const AS_NOBODY = [
  "unshare",
  "--mount",
  "sh",
  "-ec",
  "mount -t tmpfs tmpfs /dev/net; mknod -m 666 /dev/net/tun c 10 200; " +
    'exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"',
  "sh",
];

async function report(args: readonly string[], before: readonly string[] = []): Promise<Report> {
  // All of it takes longer than other commands are given.
  const child = Bun.spawn([...before, ...PROGRAM, "demo", "--json", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect(err).toBe("");
  const found = JSON.parse(out) as Report;
  const { details, summary } = found;
  expect({ status, details, summary }).toMatchObject({ status: 0, details: [] });
  return found;
}

describe("bunnel demo", () => {
  test("shows on real devices what each technique does to each censor", async () => {
    await using room = await Room.open();
    const before = await room.traces();
    const found = await report([], room.inside());
    expect(found.level).toBe("root");
    const table = expectedTable(Object.keys(EXPECTED));
    expect(found.tables).toEqual({ https: table, http: table });
    expect(await room.traces()).toEqual(before);
  });

  test("shows the same simulated", async () => {
    const found = await report(["--simulated"]);
    expect(found.level).toBe("simulated");
    const table = expectedTable(Object.keys(EXPECTED));
    expect(found.tables).toEqual({ https: table, http: table });
  });

  test("runs for a user without privilege where namespaces are allowed", async () => {
    const found = await report(["--quick"], AS_NOBODY);
    expect(found.level).toBe("user-namespace");
    expect(found.tables).toEqual({ https: expectedTable(QUICK) });
  });

  test("falls back to the simulation where there is no device, and says why", async () => {
    const found = await report(
      ["--quick"],
      ["unshare", "--mount", "sh", "-ec", 'mount -t tmpfs tmpfs /dev/net; exec "$@"', "sh"],
    );
    expect(found.level).toBe("simulated");
    expect(found).toMatchObject({ reason: "/dev/net/tun cannot be opened (ENOENT)" });
    expect(found.tables).toEqual({ https: expectedTable(QUICK) });
  });

  test("prints a table and a sentence for people", async () => {
    const ran = await bunnel(["demo", "--simulated", "--quick"]);
    expect(ran.out).toContain("Level: simulated");
    expect(ran.out).toMatch(/^https {2}without bunnel +✗ blocked +↯ reset +✗ blocked/m);
    expect(ran.out).toContain("Without bunnel all 7 censors kept the blocked page away");
  });
});

/** What a stream brings until the text has come; it is read on in the background. */
function readUntil(stream: ReadableStream<Uint8Array>, text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    let printed = "";
    for await (const chunk of stream) {
      printed += decoder.decode(chunk, { stream: true });
      if (printed.includes(text)) resolve(printed);
    }
    resolve(printed);
  };
  void read();
  return promise;
}

describe("bunnel demo, interrupted", () => {
  /** Starts it as a terminal does, as a group of its own, and waits until clients and bunnel are at work. */
  async function startDemo(room: Room) {
    const child = Bun.spawn(room.inside(...PROGRAM, "demo"), {
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    });
    // The rest of its words must be read too: a closed pipe would end it in a way of its own.
    const printed = await readUntil(child.stdout, "https  split");
    expect(printed).toContain("https  without bunnel");
    const pids = family(child.pid);
    expect(pids.length).toBeGreaterThanOrEqual(4);
    return { child, pids, namespaces: namespacesOf(pids.filter((pid) => pid !== child.pid)) };
  }

  test.each(["SIGKILL", "SIGINT", "SIGTERM", "SIGHUP"] as const)("%s leaves nothing behind", async (signal) => {
    await using room = await Room.open();
    const before = await room.traces();
    const { child, pids, namespaces } = await startDemo(room);
    child.kill(signal);
    expect(await survivors(pids)).toEqual([]);
    expect(await processesIn(namespaces)).toEqual([]);
    expect(await room.traces()).toEqual(before);
    const status = { SIGKILL: 137, SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal];
    expect(await child.exited).toBe(status);
  });

  test("Ctrl-C, which reaches every process of the terminal, leaves nothing behind", async () => {
    await using room = await Room.open();
    const before = await room.traces();
    const { child, pids, namespaces } = await startDemo(room);
    process.kill(-child.pid, "SIGINT");
    expect(await survivors(pids)).toEqual([]);
    expect(await processesIn(namespaces)).toEqual([]);
    expect(await room.traces()).toEqual(before);
    expect(await child.exited).toBe(130);
  });
});
