// needs root: namespaces, /dev/net/tun, nft, tracepath, gtlsclient, gtlsserver
// Datagrams that are carried by sockets and may not be cut: who sends one that is too big for a link further on hears
// so from the router before it, with the size that passes, and its next one passes. HTTP/3, with a client and a server
// of others that look for that size themselves, goes so too.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { BLOCKED_NAME, contentBlocks, contentDigest, serverAddress } from "@bunnel/lab/live";
import { METHODS, succeed } from "./lab.ts";
import { expectSoon, FAMILIES, Rig, type Running } from "./resilience/rig.ts";

setDefaultTimeout(240_000);

const NARROW = 1400;
const PROFILE = `[[rule]]\nname = "datagrams"\negress = "stream"\ncarries = ["udp"]\nstrategy = "pass"\n`;
/** Routers on the way, the censor's and the plain one, then the server. */
const HOPS = 3;
const QUIC_PORT = 7443;
const PAGE = "page.bin";
const PAGE_BYTES = 3_000_000;
const SOON_MS = 30_000;

describe.each(METHODS)("with method %s, behind a link of 1400 octets", (method) => {
  let rig: Rig;
  let running: Running;

  beforeAll(async () => {
    rig = await Rig.open();
    await succeed(rig.lab.hop, ["ip", "link", "set", "server0", "mtu", String(NARROW)]);
    await startServer(rig);
    await Bun.write(rig.file("profile.toml"), PROFILE);
    running = await rig.up({ method, words: ["--profile", rig.file("profile.toml")] });
  });
  afterAll(() => rig?.[Symbol.asyncDispose]());

  test.each(FAMILIES)("a sender hears of it, and of every router: IPv%i", async (family) => {
    await rig.sh(`ip -${family} route flush cache`);
    const carried = async () => ((await running.status()) as unknown as Carried).carried;
    const before = await carried();
    const words = ["tracepath", `-${family}`, "-n", "-m", "6", serverAddress(family)];
    const found = await succeed(rig.lab.client, words);
    expect(found).toContain(`pmtu ${NARROW}`);
    expect(found).toContain(`Resume: pmtu ${NARROW} hops ${HOPS}`);
    const isTold = async (): Promise<boolean> => {
      const after = await carried();
      return ["errorsTold", "sent"].every((name) => (after[name] ?? 0) > (before[name] ?? 0));
    };
    await expectSoon(isTold, true, SOON_MS);
  });

  test.each(FAMILIES)("a page of 3 MB comes whole by HTTP/3: IPv%i", async (family) => {
    await rig.sh(`ip -${family} route flush cache`);
    const { sent = 0, received = 0 } = ((await running.status()) as unknown as Carried).carried;
    const folder = rig.file(`download-${family}`);
    mkdirSync(folder);
    const url = `https://${BLOCKED_NAME}/${PAGE}`;
    const words = ["-q", "--exit-on-all-streams-close", `--download=${folder}`, serverAddress(family)];
    await succeed(rig.lab.client, ["timeout", "25", "gtlsclient", ...words, String(QUIC_PORT), url]);
    const page = await Bun.file(join(folder, PAGE)).bytes();
    expect(Bun.CryptoHasher.hash("sha256", page, "hex")).toBe(contentDigest(PAGE_BYTES));
    // The datagrams of the server, of 1400 octets at most, were all carried; figures follow a moment later.
    const isCarried = async (): Promise<boolean> => {
      const after = ((await running.status()) as unknown as Carried).carried;
      return (after["sent"] ?? 0) > sent && (after["received"] ?? 0) - received > PAGE_BYTES / NARROW;
    };
    // What the service's own sockets have learnt of the path does not let packets pass by the device.
    await expectSoon(isCarried, true, SOON_MS);
  });
});

interface Carried {
  readonly carried: Readonly<Record<string, number>>;
}

/** An HTTP/3 server with one page; resolves when it listens. */
async function startServer(rig: Rig): Promise<void> {
  const { server, certificate } = rig.lab;
  const file = (name: string): string => rig.file(name);
  const [key, chain, www] = [file("key.pem"), file("certificate.pem"), file("www")];
  await Bun.write(key, certificate.key);
  await Bun.write(chain, certificate.certificate);
  await Bun.write(join(www, PAGE), Buffer.concat([...contentBlocks(PAGE_BYTES)]));
  server.spawn(["gtlsserver", "-q", "-d", www, "*", String(QUIC_PORT), key, chain]);
  const listening = async (): Promise<boolean> => (await succeed(server, ["ss", "-uln"])).includes(`:${QUIC_PORT} `);
  await expectSoon(listening, true, SOON_MS);
}
