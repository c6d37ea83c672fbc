// needs root: namespaces, /dev/net/tun, nft; tshark. A capture of a running service, as the program writes it, read by
// another.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { BLOCKED_NAME, type LiveLab } from "@bunnel/lab/live";
import { readCapture } from "@bunnel/wire";
import { bunnel, PROGRAM, run, TempFolder } from "../cli/run.ts";
import { createLab, get, type Target } from "./lab.ts";

setDefaultTimeout(240_000);

const STRATEGY = "tls: fake(sni=www.example.org, ttl=2) split(1, midsld) disorder";
const TARGET: Target = { family: 4, scheme: "https", port: 443, host: BLOCKED_NAME };
const LINE = /rule "command line"; step \d of 4: /;

const folder = new TempFolder();
let lab: LiveLab;

beforeAll(async () => {
  lab = await createLab();
});
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** What tshark prints of a capture, one line a packet. It says nothing beside it. */
async function read(path: string, ...fields: string[]): Promise<string[][]> {
  const words = fields.flatMap((field) => ["-e", field]);
  const { status, out, err } = await run(["tshark", "-n", "-r", path, "-T", "fields", ...words]);
  const complaints = err.split("\n").filter((line) => line !== "" && !line.startsWith("Running as user"));
  expect({ status, complaints }).toEqual({ status: 0, complaints: [] });
  return out
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split("\t"));
}

/** Fetches a page while a capture runs, and returns its path. */
async function captured(name: string, args: readonly string[], target: Target = TARGET): Promise<string> {
  const stateDir = folder.file(`state-${name}`);
  const path = folder.file(`${name}.pcapng`);
  await using service = await lab.up({ strategy: STRATEGY, method: "nft", stateDir });
  const words = [...PROGRAM, "capture", "-o", path, "--state-dir", stateDir, ...args];
  const capture = lab.client.spawn(words);
  while (!existsSync(path)) await Bun.sleep(20);
  for (let i = 0; i < 3; i++) await get(lab, target, "/who");
  await Bun.sleep(200);
  capture.kill("SIGINT");
  expect(await capture.exited).toBe(0);
  await service.stop();
  return path;
}

describe("bunnel capture", () => {
  test("writes each message and what left in its place, with what was done to it; tshark reads it so", async () => {
    const path = await captured("all", []);
    const lines = await read(path, "frame.interface_name", "frame.comment", "ip.ttl", "tcp.len");
    const comments = lines.map(([, comment]) => comment ?? "");
    expect(comments.every((comment) => comment !== "")).toBe(true);
    const hellos = lines.filter(([, comment]) => comment?.includes(`tls message for ${BLOCKED_NAME}`));
    expect(hellos.length).toBeGreaterThanOrEqual(3);
    expect(hellos[0]?.[0]).toBe("bunnel0 before");
    expect(hellos[0]?.[1]).toMatch(
      /^rule "command line"; replace \(ReplacePlanned\); .*; 4 packets leave in its place$/,
    );
    const steps = lines.filter(([, comment]) => LINE.test(comment ?? ""));
    expect(steps.length).toBe(hellos.length * 4);
    const [decoy, ...pieces] = steps.slice(0, 4);
    expect(decoy?.slice(0, 3)).toEqual(["bunnel0 after", expect.stringContaining("decoy, octets 0 to"), "2"]);
    expect(decoy?.[1]).toContain("ttl=2; technique fake; strategy tls: fake(");
    expect(
      pieces.map(([, comment]) => /: piece, octets \d+ to \d+ of \d+; technique split, disorder;/.test(comment ?? "")),
    ).toEqual([true, true, true]);
  });

  test("keeps to a name, a rule and a port, and to its limits", async () => {
    const none = readCapture(await Bun.file(await captured("none", ["--host", "elsewhere.example.org"])).bytes());
    expect(none.packets).toEqual([]);
    const port = await read(
      await captured("port", ["--port", "443", "--messages", "--rule", "command line"]),
      "tcp.dstport",
    );
    expect(port.length).toBe(15);
    expect(new Set(port.flat())).toEqual(new Set(["443"]));
    const few = readCapture(await Bun.file(await captured("few", ["--count", "5", "--host", BLOCKED_NAME])).bytes());
    expect(few.packets).toHaveLength(5);
    expect(few.packets[0]?.comment).toContain("tls message");
  });

  test("is noted in the audit log, beginning and end, and only then", async () => {
    const stateDir = folder.file("state-audit");
    await using service = await lab.up({ strategy: STRATEGY, method: "nft", stateDir });
    const capture = async (): Promise<number> => {
      const words = [...PROGRAM, "capture", "-o", "-", "--seconds", "0.2", "--state-dir", stateDir];
      return (await lab.client.run(words)).status;
    };
    const noted = async (): Promise<string[]> => {
      const text = await Bun.file(`${stateDir}/audit.log`).text();
      return [...text.matchAll(/"operation":"(capture \w+)"/g)].map(([, what]) => what ?? "");
    };
    expect(await noted()).toEqual([]);
    expect(await capture()).toBe(0);
    expect(await noted()).toEqual(["capture packets", "capture off"]);
    await service.stop();
  });

  test("says when no service runs", async () => {
    const words = ["capture", "--state-dir", folder.file("nobody"), "-o", folder.file("never")];
    expect(await bunnel(words)).toMatchObject({ status: 3, out: "" });
    expect(existsSync(folder.file("never"))).toBe(false);
  });
});
