// needs root: network namespaces
// QUIC, DNS and the start of connections in nft mode, with real traffic. The witnesses are nft and the server.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Selection } from "@bunnel/device";
import { RoutedLab, SERVER4, SERVER6, type Saying } from "../../test/intercept/routed-lab.ts";
import type { LinuxInterception } from "./interception.ts";
import { OUR_MARK } from "./marks.ts";
import { interceptNft } from "./nft.ts";
import { interceptRules } from "./rules.ts";

/** Starts of UDP payloads, with some octets behind them that count for nothing. */
const INITIAL_V1 = "c000000001" + "08".repeat(9);
const INITIAL_V2 = "d36b3343cf" + "08".repeat(9);
const HELLO = Uint8Array.fromHex("1603010200010001fc0303");
const SERVERS = [SERVER4, SERVER6];
const TCP_SYN = 0x02;

let lab: RoutedLab;
beforeEach(async () => {
  lab = await RoutedLab.open();
});
afterEach(() => lab[Symbol.dispose]());

function intercept(select: Selection): LinuxInterception {
  return lab.client.run(() => interceptNft(lab.options(select), { statePath: lab.statePath }));
}

function octetsOf(payload: string): Uint8Array {
  return Uint8Array.fromHex(payload);
}

function expectUp(payload: string, saying: Saying): void {
  const { answer, cameUp } = lab.say(octetsOf(payload), { kind: "udp", ...saying });
  expect([answer, cameUp.length]).toEqual([undefined, 1]);
}

function expectPast(payload: string, saying: Saying): void {
  const { answer, cameUp } = lab.say(octetsOf(payload), { kind: "udp", ...saying });
  expect([answer, cameUp.length]).toEqual([`heard ${payload.length / 2}`, 0]);
}

/** The lines of one chain as nft prints them, without what is left alone. */
function chain(name: string): string[] {
  return lab
    .near("nft", "list", "chain", "inet", "bunnel", name)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/daddr|chain|[{}]$/u.test(line));
}

describe("interceptNft() selects what sockets carry on", () => {
  test.each(SERVERS)("every datagram to a port of %s, and to any", (to) => {
    {
      using _ = intercept({ udp: [7000, 7001] });
      expectUp("00", { to, port: 7000 });
      expectUp(INITIAL_V1, { to, port: 7001 });
      expectPast("00", { to, port: 443 });
    }
    using _ = intercept({ udp: [], quic: [] });
    expectUp("00", { to, port: 443 });
  });

  test("echo requests, whatever ports are left alone", () => {
    using _ = intercept({ echo: true, except: { addresses: [], ports: [{ first: 1, last: 65_535 }] } });
    const output = chain("output").join("\n");
    expect(output).toContain("icmp type echo-request goto echo");
    expect(output).toContain("icmpv6 type echo-request goto echo");
    expect(chain("echo").join("\n")).not.toContain("except-ports");
    expect(chain("selected").join("\n")).toContain("except-ports");
  });
});

describe("interceptNft() selects QUIC", () => {
  test.each(SERVERS)("Initials of versions 1 and 2 to port 443 of %s, and nothing that only resembles one", (to) => {
    using _ = intercept({ quic: [] });
    expectUp(INITIAL_V1, { to, port: 443 });
    expectUp(INITIAL_V2, { to, port: 443 });
    expectUp("cf00000001", { to, port: 443 });
    const others = [
      ["0-RTT of version 1", "d000000001"],
      ["Handshake of version 2", "f06b3343cf"],
      ["a short header", "4000000001"],
      ["a short header of one octet", "c0"],
      ["a version that is not known", "c000000002"],
      ["an Initial of version 2 in the words of version 1", "c06b3343cf"],
      ["a version negotiation", "c000000000"],
    ] as const;
    for (const [, start] of others) expectPast(start, { to, port: 443 });
    expectPast(INITIAL_V1, { to, port: 9999 });
    expectPast(INITIAL_V1, { to, port: 53 });
    expectPast(INITIAL_V1, { to, port: 443, kind: "tcp" });
    expectPast(INITIAL_V1, { to, port: 443, mark: OUR_MARK });
  });

  test.each(SERVERS)("Initials to the ports named, at %s", (to) => {
    using _ = intercept({ quic: [8080, 9999] });
    expectUp(INITIAL_V1, { to, port: 8080 });
    expectUp(INITIAL_V2, { to, port: 9999 });
    expectPast(INITIAL_V1, { to, port: 443 });
  });

  test("nothing to a destination that is left alone", () => {
    using _ = intercept({ quic: [], dns: [] });
    const marked = (): string | undefined => chain("selected").find((line) => line.startsWith("counter"));
    const before = marked();
    lab.near("bash", "-c", "printf '\\xc0\\x00\\x00\\x00\\x01' > /dev/udp/10.1.2.3/443");
    lab.near("bash", "-c", "printf '\\xc0\\x00\\x00\\x00\\x01' > /dev/udp/10.1.2.3/53");
    expect(before).toStartWith("counter packets 0 bytes 0 ");
    expect(marked()).toBe(before ?? "");
    expect(lab.readDevice()).toEqual([]);
  });
});

describe("interceptNft() selects DNS", () => {
  test.each(SERVERS)("datagrams to port 53 of %s and no others", (to) => {
    using _ = intercept({ dns: [] });
    expectUp("abcd01000001", { to, port: 53 });
    expectPast("abcd01000001", { to, port: 443 });
    expectPast("abcd01000001", { to, port: 53, kind: "tcp" });
    expectPast("abcd01000001", { to, port: 53, mark: OUR_MARK });
  });

  test.each(["10.1.2.3", "fd00::9", "192.0.2.254", "2001:db8:1::fe"])(
    "those to the network's own server at %s where queries are answered, unless it is excluded",
    (to) => {
      const select: Selection = { dns: [], dnsOfNetwork: true, tls: [] };
      const query = octetsOf("abcd01000001");
      const asked: Saying = { kind: "udp", to, port: 53 };
      using with_ = intercept(select);
      expectUp("abcd01000001", { to, port: 53 });
      with_.close();
      const options = { ...lab.options(select), excludes: [to] };
      using _ = lab.client.run(() => interceptNft(options, { statePath: lab.statePath }));
      expect(() => lab.say(query, { ...asked, turns: 20 })).toThrow("0 packets came up");
    },
  );

  test.each(SERVERS)("datagrams to the ports named, at %s", (to) => {
    using _ = intercept({ dns: [9999] });
    expectUp("abcd01000001", { to, port: 9999 });
    expectPast("abcd01000001", { to, port: 53 });
  });
});

describe("interceptNft() selects SYNs", () => {
  function flagsOf(packet: Uint8Array): number {
    return packet[(packet[0] ?? 0) >> 4 === 4 ? 20 + 13 : 40 + 13] ?? 0;
  }

  test.each(SERVERS)("of connections to any port of %s, and nothing that follows", (to) => {
    using _ = intercept({ syn: [] });
    for (const port of [443, 9999]) {
      const { answer, cameUp } = lab.say(HELLO, { to, port, forwardMark: OUR_MARK });
      expect([answer, cameUp.map(flagsOf)]).toEqual([`heard ${HELLO.length}`, [TCP_SYN]]);
    }
    expectPast(INITIAL_V1, { to, port: 443 });
  });

  test.each(SERVERS)("of connections to the ports named, at %s, beside other kinds", (to) => {
    using _ = intercept({ syn: [443], tls: [443] });
    const named = lab.say(HELLO, { to, port: 443, forwardMark: OUR_MARK });
    expect([named.answer, named.cameUp.length]).toEqual([`heard ${HELLO.length}`, 2]);
    const other = lab.say(HELLO, { to, port: 9999 });
    expect([other.answer, other.cameUp.length]).toEqual([`heard ${HELLO.length}`, 0]);
  });

  test("of this machine's own connections only: the answers to others go past", () => {
    using _ = intercept({ syn: [] });
    using server = lab.client.run(() =>
      Bun.listen({ hostname: "192.0.2.1", port: 4433, socket: { data() {} } }),
    ) as unknown as Disposable & { stop(): void };
    lab.far("bash", "-c", "exec 3<>/dev/tcp/192.0.2.1/4433");
    expect(lab.readDevice()).toEqual([]);
    server.stop();
  });
});

describe("interceptNft() selects the port of a stream", () => {
  function portOf(packet: Uint8Array): number {
    const l4 = (packet[0] ?? 0) >> 4 === 4 ? 20 : 40;
    return ((packet[l4 + 2] ?? 0) << 8) | (packet[l4 + 3] ?? 0);
  }

  test.each(SERVERS)("with every segment to it at %s, and nothing to others", (to) => {
    using _ = intercept({ stream: [443] });
    const named = lab.say(octetsOf("00"), { to, port: 443, forwardMark: OUR_MARK });
    expect(named.answer).toBe("heard 1");
    // SYN, the ACK of the handshake, the octet, and the end at least.
    expect(named.cameUp.length).toBeGreaterThanOrEqual(4);
    // The end of that connection may come up while the next one is looked at.
    const other = lab.say(HELLO, { to, port: 9999 });
    expect([other.answer, other.cameUp.filter((packet) => portOf(packet) === 9999)]).toEqual([
      `heard ${HELLO.length}`,
      [],
    ]);
  });

  test("of any where none is named, beside other kinds", () => {
    using _ = intercept({ stream: [], quic: [] });
    expectUp(INITIAL_V1, { to: SERVER4, port: 443 });
    const { answer, cameUp } = lab.say(octetsOf("00"), { to: SERVER4, port: 9999, forwardMark: OUR_MARK });
    expect([answer, cameUp.length >= 4]).toEqual(["heard 1", true]);
  });
});

describe("what interceptNft() leaves for QUIC, DNS and SYNs", () => {
  test("reads in nft as it is meant", () => {
    using _ = intercept({ tls: [], http: [], quic: [], dns: [], syn: [443] });
    expect(chain("output")).toEqual([
      "type route hook output priority mangle; policy accept;",
      "meta l4proto udp goto datagrams",
      "meta l4proto != tcp return",
      "th dport 443 @th,104,8 & 0x12 == 0x2 goto selected",
      "@ih,0,16 0x1603 @ih,40,8 0x1 goto selected",
    ]);
    expect(chain("datagrams")).toEqual([
      "th dport 443 @ih,0,40 & 0xf0ffffffff == 0xc000000001 goto selected",
      "th dport 443 @ih,0,40 & 0xf0ffffffff == 0xd06b3343cf goto selected",
      "th dport 53 goto selected",
    ]);
  });

  test.each<[string, Selection]>([
    ["quic port: expected 1…65535, found 0", { quic: [0] }],
    ["dns port: expected 1…65535, found 65536", { dns: [65536] }],
    ["syn ports: expected at most 64, found 65", { syn: Array.from({ length: 65 }, (_, port) => port + 1) }],
  ])("refuses impossible ports: %s", (message, select) => {
    expect(() => intercept(select)).toThrow(message);
    expect(lab.traces()).toEqual({ rules: [], routes: [], tables: [] });
  });
});

test("interceptRules() brings everything up, whatever is selected", () => {
  using _ = lab.client.run(() => interceptRules(lab.options({ quic: [], syn: [443] }), { statePath: lab.statePath }));
  expectUp("abcd01000001", { port: 53 });
  expectUp("00", { port: 9999, to: SERVER6 });
});
