import { describe, expect, test } from "bun:test";
import { decodePacket, icmpEcho, tcpPacket, udpPacket, verifyChecksums } from "@bunnel/wire";
import { SeededRandom } from "../link/random.ts";
import {
  ALLOWED,
  BLOCKED,
  CLIENT_SEQ,
  fromClient,
  fromServer,
  HTTP,
  SERVER_SEQ,
  syn,
  synAck,
  TLS,
} from "../sample-traffic.ts";
import type { Censor, Reaction } from "./censor.ts";
import { isCensorName, makeCensor } from "./gallery.ts";
import type { CensorName } from "./gallery.ts";
import { HOPS_TO_SERVER, play, SCENARIOS } from "./scenarios.ts";
import type { Scenario } from "./scenarios.ts";

/** Models of a box in the path with the plain reactions; those of countries and of Geneva have tests of their own. */
const PLAIN_NAMES = [
  "packet",
  "first-packet",
  "inorder",
  "full-first",
  "full-cksum",
  "full-last",
  "strict",
] as const satisfies readonly CensorName[];
type PlainName = (typeof PLAIN_NAMES)[number];

const BLOCKS: Record<PlainName, readonly Scenario[]> = {
  packet: [
    "the whole message",
    "a short-lived decoy first",
    "a decoy with a wrong checksum first",
    "a decoy before the window first",
    "a decoy without ACK first",
  ],
  "first-packet": ["the whole message"],
  inorder: [
    "the whole message",
    "two pieces",
    "two pieces, the second first, the first again",
    "the first piece twice",
    "a decoy before the window first",
    "a first piece that starts before the window",
  ],
  "full-first": [
    "the whole message",
    "two pieces",
    "two pieces, the second first",
    "two pieces, the second first, the first again",
    "the first piece twice",
    "many pieces",
    "a decoy before the window first",
    "a first piece that starts before the window",
  ],
  "full-cksum": [
    "the whole message",
    "two pieces",
    "two pieces, the second first",
    "two pieces, the second first, the first again",
    "the first piece twice",
    "many pieces",
    "a decoy with a wrong checksum first",
    "a decoy before the window first",
    "a first piece that starts before the window",
  ],
  "full-last": [
    "the whole message",
    "two pieces",
    "two pieces, the second first",
    "two pieces, the second first, the first again",
    "the first piece twice",
    "many pieces",
    "a short-lived decoy first",
    "a decoy with a wrong checksum first",
    "a decoy before the window first",
    "a decoy without ACK first",
    "a first piece that starts before the window",
    "a second piece with foreign octets that the first overwrites",
  ],
  strict: Object.keys(SCENARIOS) as Scenario[],
};

function make(name: CensorName, reaction?: Reaction): Censor {
  const options = { blocked: [BLOCKED], hopsToServer: HOPS_TO_SERVER };
  return makeCensor(name, reaction === undefined ? options : { ...options, reaction });
}

const CASES = PLAIN_NAMES.flatMap((name) =>
  [TLS, HTTP].flatMap((sample) => ([4, 6] as const).map((family) => ({ name, sample, family, message: sample.name }))),
);

describe.each(CASES)("$name, $message, IPv$family", ({ name, sample, family }) => {
  const change = { family, destinationPort: sample.port };

  test.each(Object.keys(SCENARIOS) as Scenario[])("%s", (scenario) => {
    const outcome = play(make(name), SCENARIOS[scenario](sample, change), change);
    expect(outcome).toBe(BLOCKS[name].includes(scenario) ? BLOCKED : "passes");
  });

  test("another name passes in every scenario", () => {
    const other = { ...sample, bad: sample.good };
    for (const packets of Object.values(SCENARIOS)) {
      expect(play(make(name), packets(other, change), change)).toBe("passes");
    }
  });
});

describe.each(PLAIN_NAMES)("%s", (name) => {
  const whole = fromClient(0, TLS.bad);

  test("has its name and says one sentence", () => {
    expect(make(name).name).toBe(name);
    expect(make(name).says).toMatch(/^The box [^.]*\.$/);
    expect(isCensorName(name)).toBe(true);
  });

  test("blocks names below a listed one, in any case, and not their neighbours", () => {
    const censor = makeCensor(name, { blocked: ["Example.ORG."], hopsToServer: HOPS_TO_SERVER });
    expect(play(censor, [whole])).toBe("example.org");
    const upper = TLS.bad.slice();
    upper.set(new TextEncoder().encode(BLOCKED.toUpperCase()), TLS.middle - 5);
    expect(play(censor, [fromClient(0, upper)])).toBe("example.org");
    expect(play(makeCensor(name, { blocked: [`www.${BLOCKED}`] }), [whole])).toBe("passes");
    expect(play(makeCensor(name, { blocked: [] }), [whole])).toBe("passes");
  });

  test("does not look at what the server sends", () => {
    expect(make(name).judge(fromServer(0, 0, { payload: TLS.bad }), "inbound", 0)).toEqual({ forward: true });
  });

  test("reaction drop keeps the packet and sends nothing", () => {
    const censor = make(name, "drop");
    expect(play(censor, [])).toBe("passes");
    expect(censor.judge(whole, "outbound", 1)).toEqual({ forward: false, matched: BLOCKED });
    expect(censor.judge(whole, "outbound", 1).forward).toBe(false);
  });

  test("reaction rst keeps the packet and resets both sides at the octets that they expect", () => {
    const censor = make(name, "rst");
    expect(play(censor, [])).toBe("passes");
    const { forward, inject = [] } = censor.judge(whole, "outbound", 1);
    expect(forward).toBe(false);
    expect(inject.map(({ to }) => to)).toEqual(["client", "server"]);
    const [toClient, toServer] = inject.map(({ packet }) => decodePacket(packet));
    expect(toClient).toMatchObject({ source: "203.0.113.9", sourcePort: 443, tcpFlags: 0x14 });
    expect(toClient).toMatchObject({ seq: SERVER_SEQ + 1, ack: CLIENT_SEQ + 1 + TLS.bad.length });
    expect(toServer).toMatchObject({ source: "192.0.2.7", sourcePort: 40000, tcpFlags: 0x04, seq: CLIENT_SEQ + 1 });
    for (const { packet } of inject) expect(verifyChecksums(packet)).toEqual({ ip: true, transport: true });
  });

  test("passes other protocols, and a message on a connection of its own stays blocked in IPv6", () => {
    const censor = make(name);
    const addresses = { source: "192.0.2.7", destination: "203.0.113.9" };
    expect(censor.judge(udpPacket({ ...addresses, sourcePort: 1, destinationPort: 53 }), "outbound", 0).forward).toBe(
      true,
    );
    expect(censor.judge(icmpEcho(addresses), "outbound", 0).forward).toBe(true);
    expect(play(censor, [fromClient(0, TLS.bad, { family: 6 })], { family: 6 })).toBe(BLOCKED);
  });

  test("judges alike after reset()", () => {
    const censor = make(name);
    expect(play(censor, [whole])).toBe(BLOCKED);
    expect(play(censor, [fromClient(0, TLS.good)])).toBe("passes");
    expect(play(censor, [whole])).toBe(BLOCKED);
  });

  test("blocks a flow whose handshake it did not see", () => {
    expect(make(name).judge(whole, "outbound", 0).matched).toBe(BLOCKED);
  });

  test("finds the name in the second connection of the same ports", () => {
    const censor = make(name);
    expect(play(censor, [fromClient(0, TLS.good)])).toBe("passes");
    const seq = CLIENT_SEQ + 100_000;
    expect(censor.judge(syn({ seq }), "outbound", 2).forward).toBe(true);
    expect(censor.judge(synAck({ ack: seq + 1 }), "inbound", 2).forward).toBe(true);
    expect(censor.judge(fromClient(0, TLS.bad, { seq: seq + 1 }), "outbound", 2).matched).toBe(BLOCKED);
  });

  test("bears any octets and never changes them", () => {
    const random = new SeededRandom(5);
    const censor = make(name, "rst");
    for (let turn = 0; turn < 3000; turn += 1) {
      const sample = turn % 3 === 0 ? HTTP : TLS;
      const packet = fromClient(0, sample.bad, { family: turn % 2 === 0 ? 4 : 6 });
      for (let flips = 1 + (random.next() % 6); flips > 0; flips -= 1) {
        packet[random.next() % 80] = random.next() & 0xff;
      }
      const cut = packet.subarray(0, random.next() % (packet.length + 1));
      const before = cut.slice();
      const { inject = [] } = censor.judge(cut, turn % 5 === 0 ? "inbound" : "outbound", turn);
      expect(cut).toEqual(before);
      for (const injected of inject) expect(decodePacket(injected.packet).protocol).toBe(6);
    }
  });

  test("keeps its memory bounded, and forgets the longest unused flow first", () => {
    const censor = makeCensor(name, { blocked: [BLOCKED], flowsMax: 2, hopsToServer: HOPS_TO_SERVER });
    const first = fromClient(0, TLS.bad.subarray(0, TLS.middle));
    const rest = fromClient(TLS.middle, TLS.bad.subarray(TLS.middle));
    const others = [40001, 40002].map((sourcePort) => fromClient(0, TLS.good, { sourcePort }));
    censor.judge(first, "outbound", 0);
    const remembered = censor.judge(rest, "outbound", 0).forward;
    censor.reset();
    for (const packet of [first, ...others]) censor.judge(packet, "outbound", 0);
    expect(censor.judge(rest, "outbound", 0).forward).toBe(true);
    // The two models that never join packets cannot forget what they do not know.
    expect(remembered).toBe(name === "packet" || name === "first-packet");
  });
});

test("isCensorName() refuses other names", () => {
  expect(isCensorName("toString")).toBe(false);
  expect(isCensorName("Strict")).toBe(false);
});

test("a server's RST starts behind the octets that it acknowledged already", () => {
  const censor = make("full-first", "rst");
  const half = TLS.middle - 20;
  play(censor, [fromClient(0, TLS.bad.subarray(0, half))]);
  censor.judge(fromServer(0, half), "inbound", 1);
  const { inject } = censor.judge(fromClient(0, TLS.bad), "outbound", 1);
  expect(inject?.map(({ packet }) => decodePacket(packet).seq)).toEqual([SERVER_SEQ + 1, CLIENT_SEQ + 1 + half]);
});

test("packet finds the name in any protocol and drops it without RST", () => {
  const payload = new TextEncoder().encode(`--${BLOCKED}--`);
  const addresses = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 1, destinationPort: 9, payload };
  expect(make("packet", "rst").judge(udpPacket(addresses), "outbound", 0)).toEqual({
    forward: false,
    matched: BLOCKED,
  });
  expect(make("packet").judge(tcpPacket(addresses), "outbound", 0).matched).toBe(BLOCKED);
  expect(make("full-first").judge(tcpPacket(addresses), "outbound", 0).forward).toBe(true);
});

test("names of equal length differ: the tests' decoy is no blocked name", () => {
  expect(ALLOWED).toHaveLength(BLOCKED.length);
});
