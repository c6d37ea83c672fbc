import { describe, expect, test } from "bun:test";
import { loadFile } from "../../test/files.ts";
import { problemsOf } from "../../test/profile-problems.ts";
import { PRESETS } from "../presets.ts";
import { parseProfile } from "./parse.ts";

const RULE = '[[rule]]\nname = "video"\n';

describe("parseProfile() points into strategies", () => {
  const unknown =
    "tls technique: expected split, disorder, fake, seqovl, fakedsplit, hostfakesplit, rst, window, ipfrag, drop, " +
    'ipid, dup, delay, ttl, tos, tlsrec or oob, found "spilt" (did you mean "split"?)';
  const names = PRESETS.map(({ name }) => name);
  const presets = `expected ${names.slice(0, -1).join(", ")} or ${names.at(-1)}, found`;
  test.each([
    ['strategy = "tls: spilt(1)"', `3:18 rule "video": strategy: ${unknown}`],
    ["strategy = 'tls: spilt(1)'", `3:18 rule "video": strategy: ${unknown}`],
    ['strategy = "\\u0074l\\x73: spilt(1)"', `3:26 rule "video": strategy: ${unknown}`],
    ['strategy = """\n  http: pass\n  tls: spilt(1)\n"""', `5:8 rule "video": strategy: ${unknown}`],
    ['strategy = """\\\n   tls: \\\n   spilt(1)"""', `5:4 rule "video": strategy: ${unknown}`],
    ["strategy = '''\r\nhttp: pass\r\ntls: spilt(1)'''", `5:6 rule "video": strategy: ${unknown}`],
    ['strategy = "http: pass\\ntls: spilt(1)"', `3:30 rule "video": strategy: ${unknown}`],
    [
      'strategy = "preset:vodafon"',
      `3:20 rule "video": strategy: preset: ${presets} "vodafon" (did you mean "vodafone"?)`,
    ],
    ['strategy = " preset:  x"', `3:23 rule "video": strategy: preset: ${presets} "x"`],
    ['strategy = "preset:"', `3:20 rule "video": strategy: preset: ${presets} an empty text`],
    [
      'strategy = ""',
      '3:13 rule "video": strategy: expected clauses such as "tls: split(1)", or "pass", found nothing',
    ],
  ])("%j", (text, message) => {
    expect(problemsOf(RULE + text)).toEqual(["E_PROFILE", message]);
  });
});

describe("parseProfile() finds what strategies name", () => {
  test("in [payload], and files by their path, which it keeps under it", () => {
    const text = `[payload]
      hello = "file:hello.bin"
      [[rule]]
      name = "a"
      strategy = "tls: fake(file=hello, dupsid, ttl=4) seqovl(4, pattern=bin/stun.bin)  syn: syndata(file=hex:00)"`;
    expect(parseProfile(text, { load: loadFile }).payloads).toEqual({
      hello: { text: "file:hello.bin", hex: loadFile("hello.bin").toHex() },
      "bin/stun.bin": { text: "file:bin/stun.bin", hex: "00010000" },
    });
  });

  const head = '[payload]\nhello = "hex:1603"\n[[rule]]\nname = "a"\n';
  test.each([
    [
      "tls: fake(file=helo, ttl=4)",
      '5:28 rule "a": strategy: payload: expected hello or the path of a file, found "helo" (did you mean "hello"?)',
    ],
    [
      "quic: udplen(+4, pattern=junk)",
      '5:38 rule "a": strategy: payload: expected hello or the path of a file, found "junk"',
    ],
    [
      "tls: fakedsplit(1, pattern=gone.bin, ttl=4)",
      '5:40 rule "a": strategy: expected a file that can be read, found "gone.bin": no such file',
    ],
    ["syn: syndata(file=none.bin)", '5:31 rule "a": strategy: expected 1 to 16384 octets, found 0 in "none.bin"'],
    [
      "tls: fake(file=hello, padencap, ttl=4)",
      '5:28 rule "a": strategy: padencap: expected a payload that is a TLS hello, found "hello"',
    ],
    [
      "tls: fake(file=hex:1603, rndsni, ttl=4)",
      '5:28 rule "a": strategy: rndsni: expected a payload that is a TLS hello, found "hex:"',
    ],
  ])("%s", (strategy, message) => {
    expect(problemsOf(`${head}strategy = "${strategy}"`)).toEqual(["E_PROFILE", message]);
  });
});
