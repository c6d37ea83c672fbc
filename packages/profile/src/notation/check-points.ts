// The points of a split.
import { POINTS_MAX } from "@bunnel/abi";
import { anyOf, shown, suggestion } from "../wording.ts";
import type { Token } from "./lexer.ts";
import { strategyError, type OperationTree } from "./parser.ts";
import { printPoint } from "./printer.ts";
import { MARKERS, markersOf, type Kind, type Point } from "./strategy.ts";

/** A rule table keeps an offset in 16 bits. */
const OFFSET_MIN = -0x8000;
const OFFSET_MAX = 0x7fff;

const POINT = /^(?:(?<absolute>[+-]?\d+)|(?<marker>[a-z]+)(?<offset>[+-]\d+)?)$/i;

/** One to POINTS_MAX points, each of them once. */
export function checkPoints(text: string, kind: Kind, { word, arguments: found }: OperationTree): readonly Point[] {
  const expected = `expected 1 to ${POINTS_MAX} points in parentheses`;
  if (found === undefined || found.length === 0) {
    throw strategyError(text, word, `split: ${expected}, found none`);
  }
  const beyond = found[POINTS_MAX];
  if (beyond) throw strategyError(text, beyond.word, `split: ${expected}, found ${found.length}`);
  const points = new Map<string, Point>();
  for (const { word: token, value } of found) {
    if (value) throw strategyError(text, token, pointExpected(kind, `${token.text}=${value.text}`));
    const point = checkPoint(text, kind, token);
    const printed = printPoint(point);
    if (points.has(printed)) {
      throw strategyError(text, token, `split: expected every point once, found ${printed} a second time`);
    }
    points.set(printed, point);
  }
  return [...points.values()];
}

function checkPoint(text: string, kind: Kind, token: Token): Point {
  const parts = POINT.exec(token.text)?.groups;
  if (!parts) throw strategyError(text, token, pointExpected(kind, token.text));
  const { marker: name, absolute, offset: added } = parts;
  const offset = Number(absolute ?? added ?? 0);
  if (offset < OFFSET_MIN || offset > OFFSET_MAX) {
    const at = token.index + (name?.length ?? 0);
    throw strategyError(text, at, `offset: expected ${OFFSET_MIN} to ${OFFSET_MAX}, found ${added ?? absolute}`);
  }
  if (name === undefined) {
    if (offset !== 0) return { marker: "absolute", offset };
    throw strategyError(text, token, "split point: expected a number other than 0, found 0: nothing stands before it");
  }
  const marker = MARKERS.find((known) => known === name);
  const known = markersOf(kind);
  if (marker !== undefined && known.includes(marker)) return { marker, offset: offset === 0 ? 0 : offset };
  const foreign = marker === undefined ? suggestion(name, known) : `, which ${kind} messages do not have`;
  throw strategyError(text, token, `${kind} marker: expected ${anyOf(known)}, found ${shown(name)}${foreign}`);
}

function pointExpected(kind: Kind, found: string): string {
  const expected = `a whole number, or ${anyOf(markersOf(kind))} with or without an offset`;
  return `split point: expected ${expected}, found ${shown(found)}`;
}
