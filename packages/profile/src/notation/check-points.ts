// The points of a technique that cuts.
import { POINTS_MAX } from "@bunnel/abi";
import { anyOf, shown, suggestion } from "../wording.ts";
import { MARKERS, markersOf, type Point } from "./kinds.ts";
import type { Token } from "./lexer.ts";
import type { ArgumentTree } from "./parser.ts";
import type { Parameter, Scope } from "./parameters.ts";
import { printPoint } from "./printer.ts";

/** A rule table keeps an offset in 16 bits. */
const OFFSET_MIN = -0x8000;
const OFFSET_MAX = 0x7fff;

const POINT = /^(?:(?<absolute>[+-]?\d+)|(?<marker>[a-z]+)(?<offset>[+-]\d+)?)$/i;
const EXPECTED = `1 to ${POINTS_MAX} points`;

/** Points where a technique has nothing else: whatever stands there is taken for one. */
export function onlyPoints(scope: Scope, points: Map<string, Point>): Parameter {
  return { ...pointsParameter(scope, points), takes: () => true };
}

/** Points beside other parameters: numbers, and words that start with a marker. */
export function pointsParameter(scope: Scope, points: Map<string, Point>): Parameter {
  return {
    form: EXPECTED,
    near: markersOf(scope.kind),
    takes: isPoint,
    read(argument) {
      const { word } = argument;
      if (points.size === POINTS_MAX) {
        const found = scope.arguments.filter(isPoint).length;
        throw scope.error(word, `${scope.word}: expected ${EXPECTED} in parentheses, found ${found}`);
      }
      const point = readPoint(scope, argument);
      const printed = printPoint(point);
      if (points.has(printed)) {
        throw scope.error(word, `${scope.word}: expected every point once, found ${printed} a second time`);
      }
      points.set(printed, point);
    },
  };
}

/** At least one point. */
export function finishPoints(scope: Scope, points: ReadonlyMap<string, Point>): readonly Point[] {
  if (points.size > 0) return [...points.values()];
  throw scope.error(scope.tree.word, `${scope.word}: expected ${EXPECTED} in parentheses, found none`);
}

export function isPoint({ word, value }: ArgumentTree): boolean {
  const { absolute, marker } = POINT.exec(word.text)?.groups ?? {};
  return value === undefined && (absolute !== undefined || MARKERS.some((known) => known === marker));
}

export function readPoint(scope: Scope, { word: token, value }: ArgumentTree): Point {
  if (value) throw scope.error(token, pointExpected(scope, `${token.text}=${value.text}`));
  const parts = POINT.exec(token.text)?.groups;
  if (!parts) throw scope.error(token, pointExpected(scope, token.text));
  const { marker, absolute, offset: added } = parts;
  const offset = Number(absolute ?? added ?? 0);
  if (offset < OFFSET_MIN || offset > OFFSET_MAX) {
    const at = token.index + (marker?.length ?? 0);
    throw scope.error(at, `offset: expected ${OFFSET_MIN} to ${OFFSET_MAX}, found ${added ?? absolute}`);
  }
  if (marker !== undefined) return markedPoint(scope, token, marker, offset === 0 ? 0 : offset);
  if (offset !== 0) return { marker: "absolute", offset };
  const message = `${scope.word} point: expected a number other than 0, found 0: nothing stands before it`;
  throw scope.error(token, message);
}

function markedPoint(scope: Scope, token: Token, name: string, offset: number): Point {
  const marker = MARKERS.find((known) => known === name);
  const known = markersOf(scope.kind);
  if (marker !== undefined && known.includes(marker)) return { marker, offset };
  const foreign = marker === undefined ? suggestion(name, known) : `, which ${scope.kind} messages do not have`;
  throw scope.error(token, `${scope.kind} marker: expected ${anyOf(known)}, found ${shown(name)}${foreign}`);
}

function pointExpected({ kind, word }: Scope, found: string): string {
  const expected = `a whole number, or ${anyOf(markersOf(kind))} with or without an offset`;
  return `${word} point: expected ${expected}, found ${shown(found)}`;
}
