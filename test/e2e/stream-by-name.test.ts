// needs root: namespaces, /dev/net/tun, nft, curl, unbound
// Connections of stream rules for some hosts: where no name is known at the SYN the port decides; with by_name the name
// that a DNS answer has told decides at once.
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { BLOCKED_NAME, serverAddress } from "@bunnel/lab/live";
import { TempFolder } from "../cli/run.ts";
import { Rig, type Running } from "./resilience/rig.ts";
import { PLAIN_PORT, startUnbound, TRUE_V4 } from "./unbound.ts";

setDefaultTimeout(240_000);

/** Another name of the same address. */
const OTHER_NAME = "ns.example.org";
const RULES = `[[rule]]
name = "names"
strategy = "dns: redirect(${serverAddress(4)}:${PLAIN_PORT})"
[[rule]]
name = "by sockets"
hosts = ["${BLOCKED_NAME}"]
egress = "stream"
strategy = "tls: tlsrec(sniext+1)"
[[rule]]
name = "as packets"
strategy = "tls: split(1)"
`;

let rig: Rig;
let folder: TempFolder;
beforeEach(async () => {
  folder = new TempFolder();
  rig = await Rig.open();
  await startUnbound(rig.lab.server, folder.file("unbound"));
});
afterEach(async () => {
  await rig?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function up(byName: boolean): Promise<Running> {
  const profile = rig.file("profile.toml");
  await Bun.write(profile, `[stream]\nby_name = ${byName}\n${RULES}`);
  return rig.up({ words: ["--profile", profile] });
}

/** Has the service learn what the address is called. */
async function learn(name: string): Promise<void> {
  const words = ["dig", "+short", "+time=8", "+tries=2", `@${serverAddress(4)}`, name, "A"];
  expect((await rig.lab.client.run(words)).stdout).toBe(`${TRUE_V4}\n`);
}

interface Figures {
  readonly streamed: { readonly accepted: number; readonly treated: number };
  readonly reasons: Readonly<Record<string, number>>;
}

/** What became of a page: connections that sockets carried, and of these first messages that a strategy changed. */
async function page(running: Running): Promise<{ readonly carried: number; readonly treated: number }> {
  const figures = async (): Promise<Figures> => (await running.status()) as unknown as Figures;
  const { streamed: before } = await figures();
  await rig.expectServed([4]);
  const { streamed: after } = await figures();
  return { carried: after.accepted - before.accepted, treated: after.treated - before.treated };
}

describe("a stream rule for one host", () => {
  test("takes connections by their port, whatever their addresses were last called", async () => {
    const running = await up(false);
    expect(await page(running)).toEqual({ carried: 1, treated: 1 });
    await learn(OTHER_NAME);
    expect(await page(running)).toEqual({ carried: 1, treated: 1 });
    await running.service.stop();
  });

  test("takes them by name with by_name, and by port where none is known", async () => {
    const running = await up(true);
    expect(await page(running)).toEqual({ carried: 1, treated: 1 });
    await learn(OTHER_NAME);
    expect(await page(running)).toEqual({ carried: 0, treated: 0 });
    await learn(BLOCKED_NAME);
    expect(await page(running)).toEqual({ carried: 1, treated: 1 });
    await running.service.stop();
  });
});
