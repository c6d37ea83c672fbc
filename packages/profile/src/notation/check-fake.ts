// The parameters of a fake.
import { REPEATS_MAX } from "@bunnel/abi";
import { Fault } from "../errors.ts";
import { readHostName } from "../host-name.ts";
import { anyOf, shown, suggestion } from "../wording.ts";
import { strategyError, type ArgumentTree, type OperationTree } from "./parser.ts";
import type { DecoyContent, Fake, Kind } from "./strategy.ts";

const TTL_MAX = 255;
/** The name in a fake that names none: a name that is real, harmless and blocked nowhere. */
export const DECOY_NAME_DEFAULT = "www.example.org";

/** What a kind of message calls the parameter with the decoy's name. */
const NAME_PARAMETER: Readonly<Record<Kind, string>> = { tls: "sni", http: "host" };
const LATER_FOOLINGS: readonly string[] = [
  "badseq",
  "md5sig",
  "ts",
  "datanoack",
  "autottl",
  "rnd",
  "rndsni",
  "dupsid",
  "quic",
];

/** What has been read of a fake so far. */
interface Draft {
  decoy?: DecoyContent;
  ttl?: number;
  badsum?: true;
  repeats?: number;
}

/** A fake with at least one fooling. */
export function checkFake(text: string, kind: Kind, { word, arguments: found }: OperationTree): Fake {
  const draft: Draft = {};
  for (const argument of found ?? []) readParameter(text, kind, draft, argument);
  if (draft.ttl === undefined && !draft.badsum) {
    const why = "the server would read a fake that nothing spoils";
    throw strategyError(text, word, `fake: expected a fooling, ttl=1..${TTL_MAX} or badsum, found none: ${why}`);
  }
  return {
    technique: "fake",
    decoy: draft.decoy ?? { content: "name", name: DECOY_NAME_DEFAULT },
    ...(draft.ttl === undefined ? {} : { ttl: draft.ttl }),
    badsum: draft.badsum ?? false,
    repeats: draft.repeats ?? 1,
  };
}

function readParameter(text: string, kind: Kind, draft: Draft, argument: ArgumentTree): void {
  const { word } = argument;
  const repeats = /^x([+-]?\d+)$/.exec(word.text);
  if (repeats) {
    refuseSecond(text, argument, draft.repeats, "one xN");
    refuseValue(text, argument);
    draft.repeats = wholeNumber(text, word.index, "repeats", repeats[1] ?? "", REPEATS_MAX);
    return;
  }
  switch (word.text) {
    case NAME_PARAMETER[kind]:
      refuseSecond(text, argument, draft.decoy, "one decoy");
      draft.decoy = { content: "name", name: decoyName(text, argument) };
      return;
    case "zeros":
      refuseSecond(text, argument, draft.decoy, "one decoy");
      refuseValue(text, argument);
      draft.decoy = { content: "zeros" };
      return;
    case "ttl":
      refuseSecond(text, argument, draft.ttl, "one ttl");
      draft.ttl = wholeNumber(text, (argument.value ?? word).index, "ttl", argument.value?.text, TTL_MAX);
      return;
    case "badsum":
      refuseSecond(text, argument, draft.badsum, "one badsum");
      refuseValue(text, argument);
      draft.badsum = true;
      return;
    default:
      throw strategyError(text, word, unknownParameter(kind, word.text));
  }
}

function unknownParameter(kind: Kind, found: string): string {
  const name = NAME_PARAMETER[kind];
  const known = [`${name}=name`, "zeros", `ttl=1..${TTL_MAX}`, "badsum", `x1..x${REPEATS_MAX}`];
  const expected = `${kind} fake parameter: expected ${anyOf(known)}, found ${shown(found)}`;
  if (LATER_FOOLINGS.includes(found)) return `${expected}, which is not in this version`;
  // The other kind's word for the decoy's name is no slip of the keyboard.
  if (Object.values(NAME_PARAMETER).includes(found)) return `${expected} (did you mean "${name}"?)`;
  return `${expected}${suggestion(found, [name, "zeros", "ttl", "badsum"])}`;
}

function decoyName(text: string, { word, value }: ArgumentTree): string {
  if (!value) throw strategyError(text, word, `${word.text}: expected "=" and a host name, found none`);
  const name = readHostName(value.text);
  if (!(name instanceof Fault)) return name;
  throw strategyError(text, value, `${word.text}: ${name.text}`);
}

function wholeNumber(text: string, at: number, thing: string, digits: string | undefined, max: number): number {
  const number = /^\d+$/.test(digits ?? "") ? Number(digits) : 0;
  if (number >= 1 && number <= max) return number;
  const found = /^[+-]?\d+$/.test(digits ?? "") ? digits : shown(digits);
  throw strategyError(text, at, `${thing}: expected a whole number from 1 to ${max}, found ${found}`);
}

function refuseSecond(text: string, { word }: ArgumentTree, first: unknown, what: string): void {
  if (first !== undefined)
    throw strategyError(text, word, `fake: expected ${what}, found a second: ${shown(word.text)}`);
}

function refuseValue(text: string, { word, value }: ArgumentTree): void {
  if (value) throw strategyError(text, value, `${word.text}: expected no value, found ${shown(value.text)}`);
}
