// The words of TOML in which a profile is printed.
import type { PortRange } from "./profile.ts";

/** A list that would make a longer line gets one line per entry. */
const LINE_MAX = 100;

/** A port as a number, a range as text. */
export function printPorts({ first, last }: PortRange): string {
  return first === last ? String(first) : quoted(`${first}-${last}`);
}

/** A table with its entries, one a line. */
export function table(header: string, entries: readonly (readonly [string, string])[]): string {
  return entries.length === 0 ? header : `${header}\n${lines(entries)}`;
}

/** Keys and their values, one a line. */
export function lines(entries: readonly (readonly [string, string])[]): string {
  return entries.map(([key, value]) => `${key} = ${value}`).join("\n");
}

/** A list, in one line where it fits. */
export function list(key: string, items: readonly string[]): string {
  const line = `[${items.join(", ")}]`;
  if (key.length + 3 + line.length <= LINE_MAX) return line;
  return `[\n${items.map((item) => `  ${item},\n`).join("")}]`;
}

/** A TOML basic string. JSON escapes all that TOML wants escaped but DEL, which no value of a profile can hold. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}
