// However bunnel ends, the network is as before, and what was open stays open. Needs root, /dev/net/tun, nft, dig.
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { BLOCKED_NAME, ECHO_PORT, type LiveLab, type Service, serverAddress } from "@bunnel/lab/live";
import { PROGRAM } from "../cli/run.ts";
import { Fixture } from "./fixture.ts";
import { expectHarmless, expectServed, METHODS, networkState, STRATEGY, succeed } from "./lab.ts";

setDefaultTimeout(240_000);

let fixture: Fixture;
let lab: LiveLab;
let stateDir: string;

beforeEach(async () => {
  fixture = await Fixture.open();
  ({ lab, stateDir } = fixture);
});

afterEach(() => fixture[Symbol.asyncDispose]());

async function expectOrdinaryTraffic(): Promise<void> {
  for (const family of lab.families) {
    for (const scheme of ["https", "http"] as const) {
      await expectServed(lab, { host: BLOCKED_NAME, scheme, family });
    }
    const dig = ["dig", `@${serverAddress(family)}`, "+short", "+time=2", "+tries=2", "www.example.org", "A"];
    expect(await succeed(lab.client, dig)).toBe(`${serverAddress(4)}\n`);
  }
}

/** One echo connection per family that stays open, and a word exchanged on each. */
async function openConnections(): Promise<(text: string) => Promise<void>> {
  const { client } = lab.children;
  const ids: number[] = [];
  for (const family of lab.families)
    ids.push(await client.call("open", { address: serverAddress(family), port: ECHO_PORT }));
  return async (text) => {
    for (const id of ids) expect(await client.call("exchange", { id, text })).toBe(text);
  };
}

describe.each(METHODS)("with method %s", (method) => {
  const up = (): Promise<Service> => lab.up({ strategy: STRATEGY, method, stateDir });

  test.each(["SIGTERM", "SIGINT"] as const)("%s puts everything back and ends with status 0", async (signal) => {
    const before = await networkState(lab.client);
    const service = await up();
    expect(await networkState(lab.client)).not.toEqual(before);
    await expectOrdinaryTraffic();
    const { status, report } = await service.stop(signal);
    expect(status).toBe(0);
    expect(report).toMatchObject({ up: false });
    expect(await networkState(lab.client)).toEqual(before);
    await expectOrdinaryTraffic();
  });

  test("kill -9 leaves a network that works, and the next run clears what is left", async () => {
    const before = await networkState(lab.client);
    const service = await up();
    await expectOrdinaryTraffic();
    await service.kill();
    await expectOrdinaryTraffic();
    expectHarmless(await networkState(lab.client), before);
    const next = await up();
    await expectOrdinaryTraffic();
    expect((await next.stop()).status).toBe(0);
    expect(await networkState(lab.client)).toEqual(before);
  });

  test("bunnel down clears what kill -9 left, without a run in between", async () => {
    const before = await networkState(lab.client);
    const service = await up();
    await service.kill();
    await succeed(lab.client, [...PROGRAM, "down", "--state-dir", stateDir]);
    expect(await networkState(lab.client)).toEqual(before);
  });

  test("a connection stays open across start, stop and kill -9", async () => {
    const exchange = await openConnections();
    await exchange("before the start");
    const first = await up();
    await exchange("while it runs");
    const opened = await openConnections();
    await first.stop();
    await exchange("after the stop");
    await opened("opened while it ran");
    const second = await up();
    await exchange("while it runs again");
    await second.kill();
    await exchange("after kill -9");
    await opened("after kill -9");
  });

  test("a second start is refused and does the first no harm", async () => {
    const first = await up();
    const running = await networkState(lab.client);
    await expect(up()).rejects.toThrow("another bunnel is up");
    expect(await networkState(lab.client)).toEqual(running);
    await expectOrdinaryTraffic();
    expect((await first.stop()).status).toBe(0);
  });

  test("it can be started and stopped many times", async () => {
    const before = await networkState(lab.client);
    for (let round = 0; round < 5; round++) {
      const service = await up();
      expect((await service.stop()).status).toBe(0);
    }
    expect(await networkState(lab.client)).toEqual(before);
  });

  test("a blocked page is served while it runs, and blocked again when it is over", async () => {
    const orders = lab.families.map((family) => ({ host: BLOCKED_NAME, scheme: "https", family }) as const);
    const outcomes = async () => Promise.all(orders.map(async (order) => (await lab.fetch(order)).outcome));
    await lab.setCensor("inorder");
    expect(await outcomes()).toEqual(orders.map(() => "blocked"));
    const service = await up();
    expect(await outcomes()).toEqual(orders.map(() => "served"));
    await service.stop();
    expect(await outcomes()).toEqual(orders.map(() => "blocked"));
  });

  test("a profile in a file counts", async () => {
    await lab.setCensor("inorder");
    const rule = (name: string, hosts: string, strategy: string) =>
      `[[rule]]\nname = "${name}"\nhosts = ${hosts}\nstrategy = "${strategy}"\n`;
    const profile =
      rule("blocked", `["${BLOCKED_NAME}"]`, "tls: split(1, midsld) disorder") + rule("others", "[]", "pass");
    await using _service = await lab.up({ profile, method, stateDir });
    await expectServed(lab, { host: BLOCKED_NAME, scheme: "https", family: 4 });
    // The rule says nothing about HTTP, so there the box still reads the name.
    expect(await lab.fetch({ host: BLOCKED_NAME, scheme: "http", family: 4 })).toMatchObject({ outcome: "blocked" });
  });
});
