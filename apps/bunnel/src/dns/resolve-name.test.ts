import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { parseProfile, type Profile } from "@bunnel/profile";
import { NameResolver } from "./resolve-name.ts";

/** Answers questions for A with an address, for AAAA with another; NXDOMAIN to names that start with "no". */
function reply(query: Uint8Array): Uint8Array {
  let end = 12;
  while (query[end] !== 0) end += (query[end] ?? 0) + 1;
  const isNone = query[13] === 0x6e && query[14] === 0x6f;
  const isA = query[end + 2] === 1;
  const data = isA ? [192, 0, 2, 10] : [0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), 0x10];
  const record = [0xc0, 12, 0, isA ? 1 : 28, 0, 1, 0, 0, 1, 0, 0, data.length, ...data];
  const head = [...query.subarray(0, 2), 0x81, isNone ? 0x83 : 0x80, 0, 1, 0, isNone ? 0 : 1, 0, 0, 0, 0];
  return Uint8Array.from([...head, ...query.subarray(12, end + 5), ...(isNone ? [] : record)]);
}

let server: Bun.udp.Socket<"uint8array">;
let asked = 0;

beforeEach(async () => {
  asked = 0;
  server = await Bun.udpSocket({
    hostname: "127.0.0.1",
    binaryType: "uint8array",
    socket: {
      data(self, octets, port, from) {
        asked++;
        self.send(reply(octets), port, from);
      },
    },
  });
});
afterEach(() => server.close());

function profile(port: number, dns = ""): Profile {
  return parseProfile(`[dns]
timeout_ms = 200
${dns}
[[rule]]
name = "a"
hosts = ["example.org", "=localhost"]
strategy = "tls: split(1)  dns: redirect(127.0.0.1:${port})"
[[rule]]
name = "b"
hosts = ["example.net"]
strategy = "dns: drop"
`);
}

describe("NameResolver.resolve()", () => {
  test("asks whom the rule for queries of the name says, both kinds of address", async () => {
    using names = new NameResolver(profile(server.port));
    expect(await names.resolve("WWW.example.org.")).toEqual(["2001:db8::10", "192.0.2.10"]);
    expect(asked).toBe(2);
    expect(await names.resolve("no.example.org")).toEqual([]);
  });

  test("a rule that drops queries leaves a name without addresses, and other names are the system's", async () => {
    using names = new NameResolver(profile(server.port));
    expect(await names.resolve("www.example.net")).toEqual([]);
    using others = new NameResolver(parseProfile('[[rule]]\nname = "a"\nstrategy = "tls: split(1)"'));
    expect(await others.resolve("localhost")).toContain("127.0.0.1");
    expect(asked).toBe(0);
  });

  test("fails when nobody answers, and asks the system only where the profile says so", async () => {
    const { port } = server;
    server.close();
    using strict = new NameResolver(profile(port));
    const failed = await strict.resolve("localhost").catch(String);
    expect(failed).toContain("expected an answer, found failures alone");
    using fallen = new NameResolver(profile(port, 'fallback = "system"'));
    expect(await fallen.resolve("localhost")).toContain("127.0.0.1");
    using named = new NameResolver(profile(port, 'system_names = ["localhost"]'));
    expect(await named.resolve("localhost")).toContain("127.0.0.1");
  });

  test("follows another profile", async () => {
    using names = new NameResolver(profile(server.port));
    names.use(parseProfile('[[rule]]\nname = "a"\nstrategy = "dns: drop"'));
    expect(await names.resolve("www.example.org")).toEqual([]);
    expect(asked).toBe(0);
  });
});
