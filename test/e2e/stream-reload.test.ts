// needs root: namespaces, /dev/net/tun, nft, curl, unbound
// Rules whose connections leave by sockets come and go while the service runs and carries traffic, with the privileges
// that are left by then: what is open stays open and ends in order, and nothing is left of it.
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { BLOCKED_NAME, ECHO_PORT, serverAddress } from "@bunnel/lab/live";
import { TempFolder } from "../cli/run.ts";
import { METHODS, STRATEGY } from "./lab.ts";
import { Load } from "./resilience/load.ts";
import { expectSoon, Rig, type Running, type Status } from "./resilience/rig.ts";
import { PLAIN_PORT, startUnbound, TRUE_V4 } from "./unbound.ts";

setDefaultTimeout(240_000);

const SOON_MS = 30_000;
const PAGES = 4;
const RULE = `[[rule]]\nname = "packets"\nstrategy = "${STRATEGY}"\n`;
const STREAM = `[[rule]]\nname = "sockets"\npriority = 9\nports = [80, 443, ${ECHO_PORT}]\negress = "stream"
strategy = "tls: split(1, midsld)  http: split(method+2)"\n`;

interface Streamed extends Status {
  readonly streamed?: { readonly accepted: number; readonly open: number };
}

let rig: Rig;
let folder: TempFolder;
beforeEach(async () => {
  folder = new TempFolder();
  rig = await Rig.open();
});
afterEach(async () => {
  await rig?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function reload(running: Running, profile: string): Promise<void> {
  await Bun.write(rig.file("profile.toml"), profile);
  await rig.bunnel(["reload"], running);
}

async function streamed(running: Running): Promise<Streamed["streamed"]> {
  return ((await running.status()) as Streamed).streamed;
}

function descriptors({ service }: Running): number {
  return readdirSync(`/proc/${service.pid}/fd`).length;
}

/** An echo's way through a connection. */
async function expectEcho(id: number, text: string): Promise<void> {
  expect(await rig.lab.children.client.call("exchange", { id, text })).toBe(text);
}

function connect(family: 4 | 6): Promise<number> {
  return rig.lab.children.client.call("open", { address: serverAddress(family), port: ECHO_PORT });
}

describe.each(METHODS)("with method %s", (method) => {
  test("the first rule and the last come and go under load, and no connection is stuck", async () => {
    const before = await rig.network();
    await Bun.write(rig.file("profile.toml"), RULE);
    const load = await Load.start(rig.lab);
    const running = await rig.up({ method, words: ["--profile", rig.file("profile.toml")] });
    const plain = await connect(4);
    await load.more(PAGES);
    expect(await streamed(running)).toBeUndefined();

    await reload(running, STREAM + RULE);
    const carried = [await connect(4), await connect(6)];
    for (const id of carried) await expectEcho(id, "by sockets");
    await expectEcho(plain, "as packets");
    await load.more(PAGES);
    const { accepted = 0, open } = (await streamed(running)) ?? {};
    expect(accepted).toBeGreaterThan(carried.length);
    expect(open).toBeGreaterThanOrEqual(carried.length);

    await reload(running, RULE);
    await load.more(PAGES);
    for (const id of [plain, ...carried]) await expectEcho(id, "still there");
    const later = await connect(4);
    await expectEcho(later, "as packets again");
    for (const id of carried) await rig.lab.children.client.call("shut", { id });
    await expectSoon(async () => (await streamed(running))?.open, 0, SOON_MS);
    if (method === "nft") {
      const list = async (): Promise<boolean> => (await rig.sh("nft list ruleset")).includes(`dport ${ECHO_PORT} `);
      await expectSoon(list, false, SOON_MS);
    }
    await expectEcho(plain, "to the end");

    const open0 = descriptors(running);
    await reload(running, STREAM + RULE);
    const again = await connect(4);
    await expectEcho(again, "once more");
    expect((await streamed(running))?.open).toBeGreaterThan(0);
    await reload(running, RULE);
    await rig.lab.children.client.call("shut", { id: again });
    await load.expectWhole();
    await expectSoon(async () => (await streamed(running))?.open, 0, SOON_MS);
    await expectSoon(async () => descriptors(running) <= open0, true, SOON_MS);
    expect((await running.service.stop()).status).toBe(0);
    expect(await rig.network()).toEqual(before);
  });
});

test("the first rule that answers queries does so over TCP at once", async () => {
  const { server, client } = rig.lab;
  await startUnbound(server, folder.file("unbound"));
  await Bun.write(rig.file("profile.toml"), RULE);
  const running = await rig.up({ words: ["--profile", rig.file("profile.toml")] });
  const dig = async (): Promise<string> => {
    const words = ["dig", "+tcp", "+short", "+time=8", "+tries=1", `@${serverAddress(4)}`, BLOCKED_NAME, "A"];
    return (await client.run(words)).stdout;
  };
  expect(await dig()).toContain("connection refused");
  const redirect = `[[rule]]\nname = "dns"\nstrategy = "dns: redirect(${serverAddress(4)}:${PLAIN_PORT})"\n`;
  await reload(running, redirect + RULE);
  expect(await dig()).toBe(`${TRUE_V4}\n`);
  await reload(running, RULE);
  expect(await dig()).toContain("connection refused");
  expect((await running.service.stop()).status).toBe(0);
});
