// needs root: namespaces, /dev/net/tun, nft. Fail closed on request: what the rules want leaves by no other way when
// the service was killed.
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ALLOWED_NAME, type LiveLab, serverAddress } from "@bunnel/lab/live";
import { PROGRAM } from "../cli/run.ts";
import { Fixture } from "./fixture.ts";
import { METHODS, networkState, STRATEGY, succeed } from "./lab.ts";

setDefaultTimeout(240_000);

let fixture: Fixture;
let lab: LiveLab;
let stateDir: string;

beforeEach(async () => {
  fixture = await Fixture.open();
  ({ lab, stateDir } = fixture);
});

afterEach(() => fixture[Symbol.asyncDispose]());

/** What becomes of a page, in each family. */
function pages(): Promise<string[]> {
  const orders = lab.families.map((family) => ({ host: ALLOWED_NAME, scheme: "https", family }) as const);
  return Promise.all(
    orders.map(async (order) => ((await lab.fetch(order)).outcome === "served" ? "served" : "refused")),
  );
}

const all = (outcome: string) => lab.families.map(() => outcome);

describe.each(METHODS)("with method %s", (method) => {
  const up = (words: readonly string[] = []) => lab.up({ strategy: STRATEGY, method, stateDir, words });
  const down = (env: readonly string[], ...words: readonly string[]) =>
    succeed(lab.client, ["env", ...env, ...PROGRAM, "down", "--state-dir", stateDir, ...words]);

  test("kill -9 closes, and bunnel down opens", async () => {
    const before = await networkState(lab.client);
    const service = await up(["--kill-switch"]);
    expect(await pages()).toEqual(all("served"));
    await service.kill();
    expect(await pages()).toEqual(all("refused"));
    if (method === "nft") {
      // What no rule wants is none of its business.
      const dig = ["dig", `@${serverAddress(4)}`, "+short", "+time=2", "www.example.org", "A"];
      expect(await succeed(lab.client, dig)).toBe(`${serverAddress(4)}\n`);
    }
    await down(["SERVICE_RESULT=signal"], "--unless-crashed");
    expect(await pages()).toEqual(all("refused"));
    expect(await down([])).toContain("the kill switch (IPv4)");
    expect(await networkState(lab.client)).toEqual(before);
    expect(await pages()).toEqual(all("served"));
  });

  test("the next start takes over, and a clean end leaves nothing", async () => {
    const before = await networkState(lab.client);
    await (await up(["--kill-switch"])).kill();
    const next = await up(["--kill-switch"]);
    expect(await pages()).toEqual(all("served"));
    expect((await next.stop()).status).toBe(0);
    expect(await networkState(lab.client)).toEqual(before);
    expect(await pages()).toEqual(all("served"));
  });

  test("the profile can ask for it, and a start without it opens", async () => {
    const before = await networkState(lab.client);
    const rule = `[[rule]]\nname = "all"\nstrategy = "${STRATEGY}"\n`;
    const profile = `[interception]\nkill_switch = true\n${rule}`;
    await (await lab.up({ profile, method, stateDir })).kill();
    expect(await pages()).toEqual(all("refused"));
    await using next = await up();
    expect(await pages()).toEqual(all("served"));
    await next.kill();
    expect(await pages()).toEqual(all("served"));
    await down([]);
    expect(await networkState(lab.client)).toEqual(before);
  });
});
