// One operation of a strategy to its 64 octets.
import * as abi from "@bunnel/abi";
import { ProfileError } from "../errors.ts";
import type { Fake, Operation, Point } from "../notation/strategy.ts";
import type { Texts } from "./texts.ts";
import { POINT_MARKERS, TECHNIQUES } from "./words.ts";

/** Writes it at `at`, which is all zeros so far. A decoy's name is already among the texts. */
export function writeOperation(view: DataView, at: number, operation: Operation, texts: Texts): void {
  view.setUint8(at + abi.OP_TECHNIQUE, TECHNIQUES[operation.technique]);
  view.setUint8(at + abi.OP_REPEATS, operation.technique === "fake" ? operation.repeats : 1);
  if (operation.technique === "fake") writeFake(view, at, operation, texts);
  if (operation.technique === "split") writePoints(view, at, operation.points);
}

function writeFake(view: DataView, at: number, { decoy, ttl, badsum }: Fake, texts: Texts): void {
  const foolings = (ttl === undefined ? 0 : abi.Fooling.Ttl) | (badsum ? abi.Fooling.BadSum : 0);
  view.setUint16(at + abi.OP_FOOLINGS, foolings, true);
  view.setUint8(at + abi.OP_TTL, ttl ?? 0);
  view.setUint8(at + abi.OP_DECOY, decoy.content === "zeros" ? abi.Decoy.Zeros : abi.Decoy.Name);
  if (decoy.content === "zeros") return;
  view.setUint32(at + abi.OP_NAME_AT, texts.at(decoy.name), true);
  view.setUint16(at + abi.OP_NAME_BYTES, decoy.name.length, true);
}

function writePoints(view: DataView, at: number, points: readonly Point[]): void {
  if (points.length > abi.POINTS_MAX) {
    const message = `split: expected at most ${abi.POINTS_MAX} points, found ${points.length}`;
    throw new ProfileError("E_RULES_LIMIT", [{ message }], "rule table");
  }
  view.setUint8(at + abi.OP_POINT_COUNT, points.length);
  for (const [index, { marker, offset }] of points.entries()) {
    const pointAt = at + abi.OP_POINTS + index * abi.POINT_BYTES;
    view.setUint8(pointAt, POINT_MARKERS[marker]);
    view.setInt16(pointAt + 2, offset, true);
  }
}
