// Destinations of a selection as sets: where a kind is looked at at all, and what is left alone.
import { DeviceError, type NumberRange, type SelectedKind, type Selection } from "@bunnel/device";
import { parseAddress } from "../netcfg/address-text.ts";
import { gotoVerdict, returnVerdict } from "../nft/expression.ts";
import { goesIntoSet, hasPortOfSet } from "../nft/match.ts";
import type { RangeSet, Rule } from "../nft/message.ts";
import { rangesOfNumbers } from "./owner-rules.ts";

/** Ranges of one set; the kernel sorts them one by one. */
export const RANGES_MAX = 8192;

/** Rules and the sets that they look up. */
export interface SetRules {
  readonly sets: readonly RangeSet[];
  readonly rules: readonly Rule[];
}

/** Sends a packet to one of these destinations on to `chain`; undefined: any destination will do. */
export function onlyTo(kind: SelectedKind, addresses: Selection["addresses"], chain: string): SetRules | undefined {
  const ranges = addresses?.[kind];
  if (ranges === undefined) return undefined;
  const sets = addressSets(`to-${kind}`, ranges);
  return { sets, rules: sets.map(({ name, key }) => [...goesIntoSet(familyOf(key), name), gotoVerdict(chain)]) };
}

/** What returns whatever it is. */
export function exceptRules(except: Selection["except"]): SetRules {
  if (except === undefined) return { sets: [], rules: [] };
  const sets = addressSets("except", except.addresses);
  const ports = portSet("except-ports", except.ports);
  return {
    sets: [...sets, ...(ports ? [ports] : [])],
    rules: [
      ...sets.map(({ name, key }) => [...goesIntoSet(familyOf(key), name), returnVerdict()]),
      ...(ports ? [[...hasPortOfSet(ports.name), returnVerdict()]] : []),
    ],
  };
}

/** A set of ports; undefined: there are none. */
export function portSet(name: string, ports: readonly NumberRange[]): RangeSet | undefined {
  if (ports.length === 0) return undefined;
  return { name, key: "port", keyBytes: 2, ranges: rangesOfNumbers(ports, 2) };
}

function familyOf(key: RangeSet["key"]): 4 | 6 {
  return key === "ipv4" ? 4 : 6;
}

/** A set for each family that has ranges. */
function addressSets(name: string, texts: readonly string[]): RangeSet[] {
  if (texts.length > RANGES_MAX) {
    throw new DeviceError("E_DEVICE_OPTION", `addresses: expected at most ${RANGES_MAX} ranges, found ${texts.length}`);
  }
  const ranges = texts.map(readRange);
  return ([4, 6] as const).flatMap((family) => {
    const own = ranges.filter(({ first }) => first.length === (family === 4 ? 4 : 16));
    const key = family === 4 ? "ipv4" : "ipv6";
    return own.length === 0 ? [] : [{ name: `${name}-${family}`, key, keyBytes: family === 4 ? 4 : 16, ranges: own }];
  });
}

function readRange(text: string): RangeSet["ranges"][number] {
  const [first = "", last = first] = text.split("-");
  const range = { first: parseAddress(first).octets, last: parseAddress(last).octets };
  if (range.first.length === range.last.length) return range;
  throw new DeviceError("E_DEVICE_OPTION", `addresses: expected a range of one family, found "${text}"`);
}
