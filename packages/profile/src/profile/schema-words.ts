// The words in which the sections of a profile say what their values may be: each wrong value gives one message.
import * as v from "valibot";
import { Fault } from "../errors.ts";
import { anyOf, shown, suggestion } from "../wording.ts";

/** What valibot tells a message about. */
export interface Found {
  readonly input: unknown;
}

/** Both the value's type and its limits, so that each wrong value gives one message. */
export function whole(min: number, max: number, also?: number) {
  const or = also === undefined ? "" : `${also}, or `;
  const message = ({ input }: Found) => `expected ${or}a whole number from ${min} to ${max}, found ${shown(input)}`;
  const fits = (value: number) => Number.isInteger(value) && ((value >= min && value <= max) || value === also);
  return v.pipe(v.number(message), v.check(fits, message));
}

/** One of some words; the nearest is suggested. */
export function oneOf<const Words extends readonly string[]>(words: Words) {
  const expected = `expected ${anyOf(words.map((word) => JSON.stringify(word)))}`;
  return v.picklist(words, ({ input }: Found) => {
    const near = typeof input === "string" ? suggestion(input, words) : "";
    return `${expected}, found ${shown(input)}${near}`;
  });
}

/** A list of values of one kind. */
export function list<Item extends v.GenericSchema>(item: Item) {
  return v.array(item, ({ input }: Found) => `expected a list, found ${shown(input)}`);
}

/** A value that a reader of its own makes something of. */
export function read<Output>(reader: (value: unknown) => Output | Fault) {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, Output>(({ dataset, addIssue, NEVER }) => {
      const result = reader(dataset.value);
      if (!(result instanceof Fault)) return result;
      addIssue({ message: result.text });
      return NEVER;
    }),
  );
}

/** valibot takes a list or a date for an object without keys. */
export function table<const Entries extends v.ObjectEntries>(entries: Entries) {
  const isTable = (value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
  return v.pipe(
    v.custom<Record<string, unknown>>(isTable, ({ input }) => `expected a table, found ${shown(input)}`),
    v.object(entries, ({ input }: Found) => `expected a value, found ${shown(input)}`),
  );
}

/** true or false. */
export const yesOrNo = v.boolean(({ input }) => `expected true or false, found ${shown(input)}`);
