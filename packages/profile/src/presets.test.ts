import { describe, expect, test } from "bun:test";
import { clientHello, httpRequest, readClientHello, readHttpRequest } from "@bunnel/wire";
import { parseStrategy } from "./notation/checker.ts";
import { printStrategy } from "./notation/printer.ts";
import type { Kind, Point } from "./notation/kinds.ts";
import { PRESETS, presetStrategy, strategies } from "./presets.ts";
import { parseProfile } from "./profile/parse.ts";
import { OWN } from "./strategies/index.ts";
import { decodeRules } from "./table/decode.ts";
import { encodeRules } from "./table/encode.ts";

/** A message and where its marks stand, octets from its start. */
interface Marked {
  readonly bytes: number;
  readonly host: number;
  readonly endHost: number;
  readonly sniExt: number;
}

function markedMessage(kind: Kind, name: string): Marked {
  if (kind === "tls") {
    const message = clientHello({ serverName: name });
    const { nameOffset = 0, nameBytes = 0, sniExtOffset = 0 } = readClientHello(message) ?? {};
    return { bytes: message.length, host: nameOffset, endHost: nameOffset + nameBytes, sniExt: sniExtOffset };
  }
  const message = httpRequest({ host: name });
  const { hostOffset = 0, hostBytes = 0 } = readHttpRequest(message) ?? {};
  return { bytes: message.length, host: hostOffset, endHost: hostOffset + hostBytes, sniExt: 0 };
}

/** Where a point cuts. */
function cutAt({ marker, offset }: Point, { bytes, host, endHost, sniExt }: Marked, name: string): number {
  const dot = name.lastIndexOf(".");
  const endsld = dot < 0 ? endHost : host + dot;
  const sld = dot < 0 ? host : host + name.lastIndexOf(".", dot - 1) + 1;
  const midsld = sld + Math.ceil((endsld - sld) / 2);
  const absolute = offset < 0 ? bytes : 0;
  return { absolute, method: 0, host, endhost: endHost, sld, midsld, endsld, sniext: sniExt }[marker] + offset;
}

/** The cuts that a preset makes in a message for a name. */
function cutsOf(preset: string, kind: Kind, message: Marked, name: string): readonly number[] {
  const clause = presetStrategy(preset)?.clauses.find((candidate) => candidate.kind === kind);
  return (clause?.operations ?? [])
    .flatMap((operation) => (operation.technique === "split" ? operation.points : []))
    .map((point) => cutAt(point, message, name))
    .filter((cut) => cut > 0 && cut < message.bytes);
}

/** Names of 4 to 253 octets, with second-level labels of every length from `sldMin`. */
function namesFrom(sldMin: number): readonly string[] {
  const names: string[] = [];
  for (let bytes = 4; bytes <= 253; bytes += 1) {
    for (let sld = sldMin; sld <= 63 && sld + 3 <= bytes; sld += 7) {
      const domain = `${"s".repeat(sld)}.tr`;
      const below = bytes - domain.length;
      if (below === 1) continue;
      const labels = "w".repeat(below).replace(/w{32}(?=w{2})/g, `${"w".repeat(31)}.`);
      names.push(below === 0 ? domain : `${labels.slice(0, -1)}.${domain}`);
    }
  }
  return names;
}

/** Those that are ours: they promise a cut inside every name. */
const CUTTING = OWN.filter(({ name }) => name !== "none").map(({ name }) => name);

describe("strategies()", () => {
  test("has every name once, with a version and words for people", () => {
    const names = strategies().map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual([
      ...["default", "turk-telekom", "vodafone", "superonline", "aggressive", "none"],
      ...["zapret-default", "flowseal-general", "flowseal-fake-ts", "flowseal-fakedsplit"],
      ...["flowseal-hostfakesplit", "flowseal-fakeddisorder", "goodbyedpi-9", "byedpi-disorder", "spoofdpi-default"],
      ...["dpibreak-default", "greentunnel-chunks", "outline-split", "quic-fake", "quic-drop"],
    ]);
    for (const { version, about, source } of strategies()) {
      expect(version).toBeGreaterThanOrEqual(1);
      expect(about.length).toBeLessThan(100);
      expect(source).not.toBe("");
    }
  });

  test.each(PRESETS)("$name stands in canonical notation and fits into a table", ({ name, strategy }) => {
    expect(printStrategy(parseStrategy(strategy))).toBe(strategy);
    const profile = parseProfile(`[[rule]]\nname = "a"\nstrategy = "preset:${name}"`);
    expect(decodeRules(encodeRules(profile)).rules.length).toBeGreaterThanOrEqual(1);
  });

  test("says of those that come from elsewhere what needs stream egress", () => {
    const said = strategies().filter(({ leftOut }) => leftOut?.includes("stream egress"));
    expect(said.map(({ name }) => name)).toEqual(["byedpi-disorder", "outline-split"]);
  });

  test.each(CUTTING)("%s cuts inside every name of 4 to 253 octets, in both kinds of message", (preset) => {
    const names = namesFrom(1);
    expect(names.length).toBeGreaterThan(1000);
    for (const name of names) {
      for (const kind of ["tls", "http"] as const) {
        const message = markedMessage(kind, name);
        expect(message.endHost - message.host).toBe(name.length);
        const inside = cutsOf(preset, kind, message, name).filter((cut) => cut > message.host && cut < message.endHost);
        if (inside.length === 0) throw new Error(`${preset} leaves ${name} whole in ${kind}`);
      }
    }
  });

  test("none leaves every message alone", () => {
    expect(presetStrategy("none")).toEqual(parseStrategy("pass"));
  });

  test("presetStrategy() knows no other name", () => {
    expect(presetStrategy("Default")).toBeUndefined();
    expect(presetStrategy("constructor")).toBeUndefined();
  });
});
