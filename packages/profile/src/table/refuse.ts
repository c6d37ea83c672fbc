// How a table is refused.
import { RULES_HEADER_BYTES } from "@bunnel/abi";
import { ProfileError } from "../errors.ts";
import type { TableView } from "./view.ts";

/** Throws E_RULES_TABLE: `thing` is the part that is wrong. */
export function refuse(thing: string, expected: string, found: string | number): never {
  throw new ProfileError(
    "E_RULES_TABLE",
    [{ message: `${thing}: expected ${expected}, found ${found}` }],
    "rule table",
  );
}

/** Records lie between header and end, and start at a multiple of four. */
export function checkInside(view: TableView, thing: string, at: number, bytes: number): void {
  if (at % 4 !== 0) refuse(thing, "an offset at a multiple of 4", at);
  checkText(view, thing, at, bytes);
}

/** Text lies between header and end. */
export function checkText(view: TableView, thing: string, at: number, bytes: number): void {
  if (at < RULES_HEADER_BYTES || at + bytes > view.totalBytes) {
    refuse(thing, `a place from ${RULES_HEADER_BYTES} to ${view.totalBytes}`, `${at} to ${at + bytes}`);
  }
}
