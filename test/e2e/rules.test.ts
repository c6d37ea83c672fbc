// needs root: namespaces, /dev/net/tun, nft, tcpdump. Rules as the running service keeps them: each marks its messages
// with a traffic class of its own, and a witness behind the first router sees which rule acted.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ECHO_PORT, type Family, HTTP_PORT, HTTPS_PORT, type LiveLab, serverAddress } from "@bunnel/lab/live";
import { clientHello, httpRequest, readClientHello, readHttpRequest } from "@bunnel/wire";
import { TempFolder } from "../cli/run.ts";
import { createLab, METHODS, succeed } from "./lab.ts";
import { Witness, type Witnessed } from "./witness.ts";

setDefaultTimeout(240_000);

const LISTED = 20_000;

/** A rule for TLS, and what it is to be told by. The two lowest bits are the network's own (RFC 3168). */
function rule(name: string, mark: number, keys: string, kinds: readonly string[] = ["tls"]): string {
  const strategy = kinds.map((kind) => `${kind}: tos(${mark})`).join(" ");
  return `[[rule]]\nname = "${name}"\n${keys}\nstrategy = "${strategy}"\n`;
}

function profile(listPath: string): string {
  return [
    `[[rule]]\nname = "left alone"\npriority = 10\nhosts = ["out.suffix.example.org"]\nstrategy = "pass"\n`,
    rule("exact", 4, 'hosts = ["=exact.example.org"]'),
    rule("suffix", 8, 'hosts = ["suffix.example.org"]'),
    rule("list", 12, `hosts_file = "${listPath}"`, ["tls", "http"]),
    rule("below a public suffix", 20, 'hosts = ["b.co.uk"]'),
    rule("a whole public suffix", 24, 'hosts = ["all:co.uk"]'),
    rule("addresses", 28, `addresses = ["${serverAddress(4, 10)}/31", "${serverAddress(6, 10)}/127"]`),
    rule("ports", 36, 'ports = ["5-9"]\nhosts = ["ports.example.org"]'),
    rule("families", 40, 'families = ["ipv6"]\nhosts = ["families.example.org"]'),
    rule("answers", 44, 'direction = "in"\nhosts = ["direction.example.org"]'),
    rule("the opener's", 48, 'direction = "out"\nhosts = ["direction.example.org"]'),
    rule("first packet", 52, 'packets = [1, 1]\nhosts = ["number.example.org"]'),
    rule("third packet", 56, 'packets = [3, 3]\nhosts = ["number.example.org"]'),
    rule("kind", 60, 'hosts = ["kind.example.org"]', ["http"]),
    rule("one of two", 64, `ports = [${ECHO_PORT}]\nhosts = ["=first.example.org"]`, ["http"]),
    rule("other of two", 68, `ports = [${ECHO_PORT}]\nhosts = ["=second.example.org"]`, ["http"]),
  ].join("\n");
}

interface Saying {
  readonly kind?: "tls" | "http";
  readonly host: string;
  readonly family?: Family;
  /** Of the server's addresses. */
  readonly place?: number;
  readonly port?: number;
  /** What the witness is to see; 0: as it was sent. */
  readonly mark: number;
}

const SAYINGS: readonly Saying[] = [
  { host: "exact.example.org", mark: 4 },
  { host: "exact.example.org", mark: 4, family: 6 },
  { host: "ExAcT.eXample.ORG", mark: 4 },
  { host: "www.exact.example.org", mark: 0 },
  { host: "suffix.example.org", mark: 8 },
  { host: "a.b.suffix.example.org", mark: 8, family: 6 },
  { host: "nosuffix.example.org", mark: 0 },
  { host: "out.suffix.example.org", mark: 0 },
  { host: "www.out.suffix.example.org", mark: 0 },
  { host: "n0.list.example.org", mark: 12 },
  { host: `www.n${LISTED - 1}.list.example.org`, mark: 12 },
  { host: `n${LISTED}.list.example.org`, mark: 0 },
  { kind: "http", host: "n7.list.example.org", mark: 12 },
  { kind: "http", host: "n7.list.example.org", mark: 12, family: 6 },
  { host: "a.b.co.uk", mark: 20 },
  { host: "b.co.uk", mark: 20 },
  { host: "ab.co.uk", mark: 24 },
  { host: "a.c.co.uk", mark: 24 },
  { host: "uk", mark: 0 },
  { host: "address.example.org", mark: 28, place: 10 },
  { host: "address.example.org", mark: 28, place: 11, family: 6 },
  { host: "address.example.org", mark: 0, place: 12 },
  { host: "address.example.org", mark: 0, place: 9, family: 6 },
  { host: "ports.example.org", mark: 36, port: ECHO_PORT },
  { host: "ports.example.org", mark: 0, port: HTTPS_PORT },
  { host: "families.example.org", mark: 0 },
  { host: "families.example.org", mark: 40, family: 6 },
  { host: "direction.example.org", mark: 48 },
  { kind: "http", host: "kind.example.org", mark: 60 },
  { host: "kind.example.org", mark: 0 },
];

function addressOf({ family = 4, place = 0 }: Saying): string {
  return serverAddress(family, place);
}

function portOf({ kind = "tls", port = kind === "tls" ? HTTPS_PORT : HTTP_PORT }: Saying): number {
  return port;
}

function messageOf({ kind = "tls", host }: Saying): Uint8Array {
  return kind === "tls" ? clientHello({ serverName: host }) : httpRequest({ host });
}

function titleOf(saying: Saying): string {
  const { kind = "tls", host, mark } = saying;
  return `${kind} for ${host} to ${addressOf(saying)} port ${portOf(saying)}: mark ${mark}`;
}

/** Says each message on one connection, and waits for an answer to each. */
async function say(lab: LiveLab, address: string, port: number, ...messages: readonly Uint8Array[]): Promise<void> {
  const each = messages.map(({ length }) => `head -c ${length} >&3; timeout 3 head -c 1 <&3 >/dev/null`);
  const script = `exec 3<>/dev/tcp/${address}/${port}; ${each.join("; ")}`;
  await succeed(lab.client, ["bash", "-c", script], Buffer.concat(messages));
}

function hostIn({ payload }: Witnessed): string | undefined {
  return readClientHello(payload)?.serverName ?? readHttpRequest(payload)?.host;
}

describe.each(METHODS)("rules with method %s", (method) => {
  const folder = new TempFolder();
  let seen: readonly Witnessed[] = [];
  let lab: LiveLab;

  beforeAll(async () => {
    const listPath = folder.file("hosts.txt");
    await Bun.write(listPath, Array.from({ length: LISTED }, (_, i) => `n${i}.list.example.org`).join("\n"));
    lab = await createLab();
    await using _service = await lab.up({ profile: profile(listPath), method });
    const witness = await Witness.open(lab.hop, "censor0", "tcp");
    for (const saying of SAYINGS) await say(lab, addressOf(saying), portOf(saying), messageOf(saying));
    await say(lab, serverAddress(4), HTTPS_PORT, clientHello({ serverName: "number.example.org" }));
    const two = ["first.example.org", "second.example.org", "third.example.org", "first.example.org"];
    await say(lab, serverAddress(4), ECHO_PORT, ...two.map((host) => httpRequest({ host })));
    seen = await witness.close();
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const marksOf = (address: string, port: number, host: string): number[] =>
    seen
      .filter((packet) => packet.destination === address && packet.destinationPort === port && hostIn(packet) === host)
      .map(({ tos }) => tos);

  test.each(SAYINGS.map((saying) => [titleOf(saying), saying] as const))("%s", (_, saying) => {
    expect(marksOf(addressOf(saying), portOf(saying), saying.host)).toEqual([saying.mark]);
  });

  test("packets of a flow are counted as they come up: with nft the hello is the first", () => {
    const mark = method === "nft" ? 52 : 56;
    expect(marksOf(serverAddress(4), HTTPS_PORT, "number.example.org")).toEqual([mark]);
  });

  test("each request of a connection is judged by its own host", () => {
    const marks = (host: string): number[] => marksOf(serverAddress(4), ECHO_PORT, host);
    expect(marks("first.example.org")).toEqual([64, 64]);
    expect(marks("second.example.org")).toEqual([68]);
    expect(marks("third.example.org")).toEqual([0]);
  });

  test("whatever is no message leaves as it came", () => {
    const others = seen.filter((packet) => packet.destination !== "192.0.2.2" && hostIn(packet) === undefined);
    expect(others.length).toBeGreaterThan(SAYINGS.length);
    expect(new Set(others.map(({ tos }) => tos))).toEqual(new Set([0]));
  });
});
