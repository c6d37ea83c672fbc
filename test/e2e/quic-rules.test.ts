// needs root: namespaces, /dev/net/tun, nft; tcpdump. Rules for QUIC by host name, with a real HTTP/3 client and
// server: this run-time, whose hello takes two datagrams. A witness behind the first router sees what leaves.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { type Family, type LiveLab, makeCertificate, serverAddress } from "@bunnel/lab/live";
import { readQuicServerName } from "@bunnel/wire";
import { said, TempFolder } from "../cli/run.ts";
import { createLab } from "./lab.ts";
import { Witness, type Witnessed } from "./witness.ts";

setDefaultTimeout(240_000);

const CAPTURES = join(import.meta.dirname, "../captures");
/** An address of the server's where nobody else listens. */
const PLACE = 20;
const FAKED = "a.video.faked.example.org";
const DROPPED = "dropped.example.org";
const OTHER = "other.example.org";
const DECOY = "decoy.example.org";
const PROFILE = `
  [[rule]]
  name = "faked"
  hosts = ["faked.example.org"]
  strategy = "quic: fake(quic, sni=${DECOY}, x2) tos(8)"
  [[rule]]
  name = "dropped"
  hosts = ["=${DROPPED}"]
  strategy = "quic: drop"
`;

let lab: LiveLab;
const folder = new TempFolder();

beforeAll(async () => {
  const { certificate, key } = makeCertificate([FAKED, DROPPED, OTHER]);
  await Bun.write(folder.file("certificate.pem"), certificate);
  await Bun.write(folder.file("key.pem"), key);
  lab = await createLab();
  const addresses = lab.families.map((family) => serverAddress(family, PLACE));
  const server = lab.server.spawn([process.execPath, join(CAPTURES, "quic-server.ts"), folder.path, ...addresses]);
  await said(server.stdout, "ready");
});
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** What the server says over HTTP/3; undefined: nothing, for this client does not give up by itself. */
async function fetched(host: string, family: Family): Promise<string | undefined> {
  const hosts = folder.file("hosts");
  await Bun.write(hosts, `${serverAddress(family, PLACE)} ${host}\n`);
  const script = 'mount --bind "$1" /etc/hosts && exec timeout "$5" "$2" "$3" "https://$4/"';
  const seconds = host === DROPPED ? "2" : "15";
  const words = [hosts, process.execPath, join(CAPTURES, "quic-client.ts"), host, seconds];
  const ran = await lab.client.run(["unshare", "--mount", "sh", "-ec", script, "sh", ...words]);
  return ran.status === 0 ? ran.stdout.trim() : undefined;
}

/** What leaves for the server while somebody asks it for a page, and what it says. */
async function witnessed(host: string, family: Family): Promise<{ answer?: string; sent: readonly Witnessed[] }> {
  const witness = await Witness.open(lab.hop, "censor0", "udp port 443");
  const answer = await fetched(host, family);
  const seen = await witness.close();
  const sent = seen.filter(({ destination }) => destination === serverAddress(family, PLACE));
  return { sent, ...(answer !== undefined && { answer }) };
}

describe.each([4, 6] as const)("HTTP/3 over IPv%i", (family) => {
  test("is there for every name while nothing runs", async () => {
    for (const host of [FAKED, DROPPED]) expect(await fetched(host, family)).toBe("as asked");
  });

  test("is made as the rule for its name says, once the whole name is known", async () => {
    await using service = await lab.up({ profile: PROFILE, method: "nft" });
    const faked = await witnessed(FAKED, family);
    expect(faked.answer).toBe("as asked");
    const isDecoy = (packet: Witnessed): boolean => nameIn(packet) === DECOY;
    expect(faked.sent.slice(0, 3).map(isDecoy)).toEqual([true, true, false]);
    expect(faked.sent[2]?.tos).toBe(8);
    // Each datagram that tells a part of the hello has two decoys before it, and nothing behind the hello has.
    const own = faked.sent.filter((packet) => !isDecoy(packet));
    const marked = own.filter(({ tos }) => tos === 8);
    expect(faked.sent.filter(isDecoy)).toHaveLength(2 * marked.length);
    expect(own.length).toBeGreaterThan(marked.length);
    // Without the decoys the connection is as the client made it.
    expect(nameIn(...own)).toBe(FAKED);

    const other = await witnessed(OTHER, family);
    expect(other.answer).toBe("as asked");
    expect(nameIn(...other.sent)).toBe(OTHER);
    expect(new Set(other.sent.map(({ tos }) => tos))).toEqual(new Set([0]));

    const dropped = await witnessed(DROPPED, family);
    expect(dropped).toEqual({ sent: [] });
    const { report } = await service.stop();
    expect(Number(report?.["dropped"])).toBeGreaterThan(0);
  });
});

function nameIn(...packets: readonly (Witnessed | undefined)[]): string | undefined {
  return readQuicServerName(packets.flatMap((packet) => packet?.payload ?? []));
}
