// Rule tables that can be told apart by what they do, and in which nothing lies where it lies in another.
import { encodeRules, parseProfile } from "@bunnel/profile";

export const HOSTS_PER_TABLE = 500;
/** What `split(5)` makes of a hello. */
export const PIECES = 2;
export const TABLES = 40;

export function hostOf(i: number): string {
  return `host${i}.example.org`;
}

/** The table with mark `mark`, 1 to 255. Each has another number of other rules and names in it. */
export function tableOf(mark: number): Uint8Array {
  const others = Array.from(
    { length: mark % 7 },
    (_, i) =>
      `[[rule]]\nname = "other ${i}"\nhosts = ["other${i}.example.net"]\nstrategy = "tls: tos(1) split(9, 10)"\n`,
  );
  const names = Array.from({ length: HOSTS_PER_TABLE + mark * 40 }, (_, i) => hostOf(i));
  const strategy = `tls: tos(${mark}) ttl(${mark}) window(${mark}) split(5)`;
  const rule = `[[rule]]\nname = "marked"\nhosts_file = "names"\nstrategy = "${strategy}"\n`;
  const load = (): Uint8Array => new TextEncoder().encode(names.join("\n"));
  return encodeRules(parseProfile([...others, rule].join("\n"), { load }));
}
