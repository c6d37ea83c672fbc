import { describe, expect, test } from "bun:test";
import { diagnose, isPrivate } from "./diagnose.ts";
import type { AddressSeen, Exchange, HostSeen, QuicExchange } from "./observation.ts";

const HOST = "video.example.org";
const AT = "203.0.113.7";

const SERVED: Exchange = {
  ...{ stage: "done", end: "done", ms: 80, certificate: "valid", status: 200, bodyBytes: 65_536, isWhole: false },
  bytesPerSecond: 900_000,
};
const ANSWERED: Exchange = {
  stage: "done",
  end: "done",
  ms: 20,
  bodyBytes: 0,
  certificate: "ERR_TLS_CERT_ALTNAME_INVALID",
};
const PAGE: Exchange = { stage: "done", end: "done", ms: 20, status: 200, bodyBytes: 900, isWhole: true };
const QUIC_SERVED: QuicExchange = { ...SERVED, answered: 60 };
const QUIC_SILENT: QuicExchange = { ...cut("hello", "silent"), answered: 0 };

function cut(stage: Exchange["stage"], end: Exchange["end"], bodyBytes = 0): Exchange {
  return { stage, end, ms: 1000, bodyBytes, ...(stage === "body" && { certificate: "valid", status: 200 }) };
}

function thrice<Seen>(seen: Seen): readonly Seen[] {
  return [seen, seen, seen];
}

function address(more: Partial<AddressSeen> = {}): AddressSeen {
  return { address: AT, family: 4, isTrusted: true, own: thrice(SERVED), harmless: ANSWERED, ...more };
}

function host(at: Partial<AddressSeen> | readonly AddressSeen[] = {}, more: Partial<HostSeen> = {}): HostSeen {
  const addresses = Array.isArray(at) ? at : [address(at as Partial<AddressSeen>)];
  return { host: HOST, system: [AT], trusted: [AT], systemHarmless: ["203.0.113.99"], addresses, ...more };
}

const NO_CONNECTION = cut("connect", "silent");
const SHUT = { own: thrice(NO_CONNECTION), harmless: NO_CONNECTION };
const ELSEWHERE = { harmless: ANSWERED, own: cut("hello", "reset") };

const ABOUT = { elsewhere: ELSEWHERE };

describe("diagnose() of one thing wrong", () => {
  test.each<[string, HostSeen, string, readonly string[]]>([
    ["nothing", host(), "open", []],
    ["a reset behind the hello", host({ own: thrice(cut("hello", "reset")) }), "TLS by name (RST)", ["tls"]],
    ["silence behind the hello", host({ own: thrice(cut("hello", "silent")) }), "TLS by name (silent drop)", ["tls"]],
    ["an end behind the hello", host({ own: thrice(cut("hello", "closed")) }), "TLS by name (closed)", ["tls"]],
    ["no connection, at two times", host({ ...SHUT, earlier: NO_CONNECTION }, ABOUT), "IP blocked (silent drop)", []],
    [
      "no connection, from a new local address either",
      host({ ...SHUT, fresh: NO_CONNECTION }, ABOUT),
      "IP blocked (silent drop)",
      [],
    ],
    [
      "no connection to one port, at two times",
      host({ ...SHUT, earlier: NO_CONNECTION, otherPorts: [cut("connect", "refused"), NO_CONNECTION] }, ABOUT),
      "port blocked (silent drop)",
      [],
    ],
    [
      "every port refused, as a box does it",
      host(
        {
          own: thrice(cut("connect", "refused")),
          harmless: cut("connect", "refused"),
          earlier: cut("connect", "refused"),
          otherPorts: [cut("connect", "refused")],
        },
        ABOUT,
      ),
      "IP blocked (refused)",
      [],
    ],
    [
      "no connection, as under a punishment that began before anybody looked",
      host({ ...SHUT, otherPorts: [ANSWERED] }, ABOUT),
      "not reached (silent drop)",
      [],
    ],
    [
      "a punishment from before, seen from a new local address",
      host({ own: thrice(cut("hello", "silent")), fresh: ANSWERED, wasPunished: true }, ABOUT),
      "TLS by name (silent drop), penalty time",
      ["tls"],
    ],
    [
      "no connection to anybody",
      host({ own: thrice(cut("connect", "unreachable")), harmless: cut("connect", "unreachable") }),
      "no network (unreachable)",
      [],
    ],
    [
      "no name gets through",
      host({ own: thrice(cut("hello", "silent")), harmless: cut("hello", "silent"), nameless: ANSWERED }),
      "TLS whatever the name (silent drop)",
      ["tls"],
    ],
    ["a body that stands still", host({ own: thrice(cut("body", "silent", 16_400)) }), "frozen (silent drop)", ["tls"]],
    ["a slow body", host({ own: thrice({ ...SERVED, bytesPerSecond: 16_000 }) }), "throttled", ["tls"]],
    [
      "a slow body, over plain HTTP too",
      host({
        own: thrice({ ...SERVED, bytesPerSecond: 16_000 }),
        ...{ http: { ...PAGE, bytesPerSecond: 16_000 }, httpHarmless: PAGE },
      }),
      "throttled, HTTP throttled",
      ["tls", "http"],
    ],
    [
      "plain HTTP that stands still",
      host({ http: cut("body", "silent", 16_400), httpHarmless: PAGE }),
      "HTTP frozen (silent drop)",
      ["http"],
    ],
    [
      "a foreign certificate",
      host({ own: thrice({ ...ANSWERED, end: "broken", stage: "certificate" }) }),
      "foreign certificate",
      ["tls"],
    ],
    ["one failure of three", host({ own: [SERVED, cut("hello", "reset"), SERVED] }), "unstable (RST)", ["tls"]],
    [
      "a redirect page",
      host({ http: { ...PAGE, location: "http://warning.example.net/" }, httpHarmless: PAGE }),
      "redirect page",
      ["http"],
    ],
    [
      "a circle",
      host({ http: { ...PAGE, location: `http://${HOST}/` }, httpHarmless: PAGE }),
      "redirect page",
      ["http"],
    ],
    [
      "a request that is reset",
      host({ http: cut("request", "reset"), httpHarmless: PAGE }),
      "HTTP by name (RST)",
      ["http"],
    ],
    [
      "QUIC alone",
      host({ quic: [QUIC_SILENT, QUIC_SILENT], quicHarmless: QUIC_SERVED, quicAfter: QUIC_SERVED }),
      "QUIC by name (silent drop)",
      ["quic"],
    ],
    [
      "QUIC alone, and a penalty",
      host({
        ...{ quic: [QUIC_SILENT, QUIC_SILENT], quicHarmless: QUIC_SERVED },
        ...{ quicAfter: QUIC_SILENT, quicElsewhere: QUIC_SERVED },
      }),
      "QUIC by name (silent drop), penalty time",
      ["quic"],
    ],
    [
      "QUIC that nobody has any more",
      host({
        ...{ quic: [QUIC_SILENT, QUIC_SILENT], quicHarmless: QUIC_SERVED },
        ...{ quicAfter: QUIC_SILENT, quicElsewhere: QUIC_SILENT },
      }),
      "not told",
      [],
    ],
    ["a forged address", host({}, { system: ["10.10.34.34"] }), "DNS forged", ["dns"]],
    ["a host that is said not to be", host({}, { system: "none" }), "DNS forged", ["dns"]],
    ["a resolver that is silent about it", host({}, { system: "silent" }), "DNS silent", ["dns"]],
  ])("%s", (_, seen, summary, blocked) => {
    const found = diagnose(seen);
    expect(found.summary).toBe(summary);
    expect(found.blocked).toEqual([...blocked] as typeof found.blocked);
  });
});

describe("diagnose() takes for no blocking", () => {
  test.each<[string, HostSeen]>([
    ["a small page, whole", host({ own: thrice({ ...SERVED, bodyBytes: 300, isWhole: true }) })],
    ["one slow answer over plain HTTP", host({ http: { ...PAGE, bytesPerSecond: 9000 }, httpHarmless: PAGE })],
    ["one slow answer of three", host({ own: [{ ...SERVED, bytesPerSecond: 9000 }, SERVED, SERVED] })],
    ["a redirect to the host's own TLS", host({ http: { ...PAGE, location: `https://${HOST}/` }, httpHarmless: PAGE })],
    [
      "a redirect that every name gets",
      host({
        http: { ...PAGE, location: "http://a.example.net/" },
        httpHarmless: { ...PAGE, location: "http://a.example.net/" },
      }),
    ],
    ["a server without QUIC", host({ quic: [], quicHarmless: QUIC_SILENT })],
    ["a server without plain HTTP", host({ http: cut("connect", "refused"), httpHarmless: cut("connect", "refused") })],
    ["a resolver that says nothing of anything", host({}, { system: "silent", systemHarmless: "silent" })],
    [
      "another address of the same host",
      host([address(), address({ address: "203.0.113.8", isTrusted: false })], { system: ["203.0.113.8"] }),
    ],
    ["no resolver to compare with", host({}, { trusted: "silent" })],
  ])("%s", (_, seen) => {
    expect(diagnose(seen).summary).toBe("open");
  });
});

describe("diagnose()", () => {
  test("says the name is what is blocked where it fails at another address too", () => {
    const [finding] = diagnose(host({ own: thrice(cut("hello", "reset")) }, { elsewhere: ELSEWHERE })).findings;
    expect(finding?.says).toContain(`RST behind the hello for ${HOST} at ${AT}, where a harmless name is answered`);
    expect(finding?.says).toContain("the name fails at another address too");
  });

  test("tells a penalty by the harmless name that fails behind a hit", () => {
    const own = [cut("connect", "silent"), cut("hello", "reset"), cut("connect", "silent")];
    const found = diagnose(host({ own, after: cut("hello", "reset") }));
    expect(found.hasPenalty).toBe(true);
    expect(found.summary).toBe("TLS by name (RST), penalty time");
  });

  test("judges each address of a family by itself, and says the same thing once in short", () => {
    const blocked = { own: thrice(cut("hello", "reset")) };
    const found = diagnose(host([address(blocked), address({ ...blocked, address: "2001:db8::7", family: 6 })]));
    expect(found.findings.map(({ family }) => family)).toEqual([4, 6]);
    expect(found.summary).toBe("TLS by name (RST)");
  });

  test("does not judge a forged address as one of the host's", () => {
    const forged = address({ address: "192.0.2.9", isTrusted: false, own: thrice({ ...ANSWERED, end: "broken" }) });
    const found = diagnose(host([address(), forged], { system: ["192.0.2.9"] }));
    expect(found.summary).toBe("DNS forged");
    expect(found.findings[0]?.says).toContain(`right is ${AT}`);
  });

  test("does not call a foreign address forged where the host's name is cut off at both", () => {
    const blocked = { own: thrice(cut("hello", "reset")) };
    const other = address({ ...blocked, address: "203.0.113.8", isTrusted: false });
    expect(diagnose(host([address(blocked), other], { system: ["203.0.113.8"] })).summary).toBe("TLS by name (RST)");
  });
});

test.each([
  ...(["10.1.2.3", "127.0.0.1", "100.64.0.1", "172.31.0.1", "192.168.1.1", "0.0.0.0", "fd00::1", "::", "::1"] as const),
])("isPrivate() knows %s", (text) => {
  expect(isPrivate(text)).toBe(true);
});

test.each(["100.128.0.1", "172.32.0.1", "192.0.2.1", "2001:db8::1"])("isPrivate() lets %s pass", (text) => {
  expect(isPrivate(text)).toBe(false);
});
