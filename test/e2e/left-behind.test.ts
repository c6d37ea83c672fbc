// needs root: namespaces, /dev/net/tun, nft
// What `kill -9` leaves is found without the state folder of the killed run: by its marks in the network itself.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { BLOCKED_NAME, type LiveLab, type Service } from "@bunnel/lab/live";
import { PROGRAM } from "../cli/run.ts";
import { Fixture, setReversePathFilter } from "./fixture.ts";
import { expectServed, METHODS, networkState, STRATEGY, succeed } from "./lab.ts";

setDefaultTimeout(240_000);

/** Rules of another program, at the priorities of ours; the last two say what exceptions of ours say. */
const FOREIGN = [
  "-4 rule add pref 9000 fwmark 0x1234 lookup main protocol 99",
  "-6 rule add pref 9002 fwmark 0x1234 lookup main",
  "-4 rule add pref 8999 to 10.0.0.0/8 lookup main",
  "-6 rule add pref 8999 to fc00::/7 lookup main",
];

let fixture: Fixture;
let lab: LiveLab;

beforeEach(async () => {
  fixture = await Fixture.open();
  ({ lab } = fixture);
});

afterEach(() => fixture[Symbol.asyncDispose]());

const folder = (name: string): string => fixture.folder.file(name);
const ip = (words: string): Promise<string> => succeed(lab.client, ["ip", ...words.split(" ")]);
const down = (stateDir: string): Promise<string> =>
  succeed(lab.client, [...PROGRAM, "down", "--state-dir", folder(stateDir)]);

/** What the audit log of a folder says that was taken away. */
function takenAway(stateDir: string): readonly string[] {
  const lines = readFileSync(join(folder(stateDir), "audit.log"), "utf8")
    .trim()
    .split("\n");
  return lines.flatMap((line) => (JSON.parse(line) as { removed?: string[] }).removed ?? []);
}

async function expectPages(): Promise<void> {
  for (const family of lab.families) await expectServed(lab, { host: BLOCKED_NAME, scheme: "https", family });
}

describe.each(METHODS)("after kill -9 of method %s", (method) => {
  const up = (stateDir: string): Promise<Service> => lab.up({ strategy: STRATEGY, method, stateDir: folder(stateDir) });

  test("a start with another state folder says what it found, serves, and leaves the network as before", async () => {
    await setReversePathFilter(lab.client, 1);
    for (const rule of FOREIGN) await ip(rule);
    const before = await networkState(lab.client);
    await (await up("first")).kill();
    const next = await up("second");
    for (const family of lab.families) {
      const rule = method === "nft" ? "fwmark 0x8000" : "iif lo";
      expect(takenAway("second")).toContain(`ip rule 9000 ${rule} lookup 4000 (IPv${family})`);
    }
    await expectPages();
    expect((await next.stop()).status).toBe(0);
    expect((await next.ended()).words).toContain("taken away what a killed run left");
    expect(await networkState(lab.client)).toEqual(before);
  });

  test("bunnel down with another state folder clears it, and touches nothing while one lives", async () => {
    await setReversePathFilter(lab.client, 1);
    for (const rule of FOREIGN) await ip(rule);
    const before = await networkState(lab.client);
    const service = await up("first");
    const running = await networkState(lab.client);
    await expect(down("second")).rejects.toThrow("another bunnel is running");
    await expect(up("second")).rejects.toThrow("another bunnel is running");
    expect(await networkState(lab.client)).toEqual(running);
    await expectPages();
    await service.kill();
    expect(await down("second")).toContain("removed ip rule 9000");
    expect(await networkState(lab.client)).toEqual(before);
  });

  test("somebody else's rule into its table is named, and stays", async () => {
    await (await up("first")).kill();
    await ip("-6 rule add pref 9001 fwmark 0x99 lookup 4000 protocol 99");
    await expect(up("second")).rejects.toThrow("found somebody else's: ip rule 9001 fwmark 0x99 lookup 4000 (IPv6)");
    expect(await ip("-6 rule show pref 9001")).toContain("fwmark 0x99 lookup 4000");
  });
});
