// Settings of other programs to a profile of ours, with what became of each option.
import { ProfileError } from "../errors.ts";
import { convertByedpi } from "./byedpi.ts";
import type { ConversionNote, Draft } from "./draft.ts";
import { convertGoodbyedpi } from "./goodbyedpi.ts";
import { convertSpoofdpi } from "./spoofdpi.ts";
import { convertTurkeydpi } from "./turkeydpi.ts";
import { convertZapret } from "./zapret.ts";

/** Whose settings can be converted: turkeydpi's files, the command lines of the others. */
export const FOREIGN_FORMATS = ["turkeydpi", "zapret", "byedpi", "goodbyedpi", "spoofdpi"] as const;
/** A program whose settings can be converted. */
export type ForeignFormat = (typeof FOREIGN_FORMATS)[number];

/** A profile that was made of another program's settings. */
export interface Conversion {
  readonly format: ForeignFormat;
  /** TOML, with the notes as comments above it. Files that it names are not looked for. */
  readonly text: string;
  /** What became of each option, in the order in which they were looked at. */
  readonly notes: readonly ConversionNote[];
}

const CONVERTERS: Readonly<Record<ForeignFormat, (text: string) => Draft>> = {
  turkeydpi: convertTurkeydpi,
  zapret: convertZapret,
  byedpi: convertByedpi,
  goodbyedpi: convertGoodbyedpi,
  spoofdpi: convertSpoofdpi,
};

/** What tells a program's settings from those of the others; the first that fits counts. */
const SIGNS: readonly (readonly [format: ForeignFormat, sign: RegExp])[] = [
  ["zapret", /--dpi-desync|--filter-(?:tcp|udp|l7)|\b(?:nfqws|winws)\b/u],
  ["goodbyedpi", /goodbyedpi|--(?:reverse-frag|wrong-seq|wrong-chksum|auto-ttl|native-frag|set-ttl|blacklist)\b/u],
  ["spoofdpi", /spoofdpi|--?(?:https-|window-size|enable-doh|dns-mode|default-ttl|system-proxy)/u],
  ["byedpi", /ciadpi|byedpi|--(?:split|disorder|oob|disoob|tlsrec|udp-fake|fake)\b|(?:^|\s)-[sdoqfr]-?\d/u],
  ["turkeydpi", /^\s*\{|^\s*\[(?:global|limits|\[rules\]|transforms)/mu],
];

/**
 * Converts settings; without a format it is found by what stands in them.
 * @throws ProfileError when nobody knows whose settings these are, or a file is neither TOML nor JSON
 */
export function convertProfile(text: string, format?: ForeignFormat): Conversion {
  const whose = format ?? SIGNS.find(([, sign]) => sign.test(text))?.[0];
  if (whose === undefined) {
    const message = `expected those of ${FOREIGN_FORMATS.join(", ")}, found others`;
    throw new ProfileError("E_PROFILE", [{ message }], "settings");
  }
  const draft = CONVERTERS[whose](text);
  return {
    format: whose,
    text: draft.toToml(`Made of settings of ${whose}. What became of each option:`),
    notes: draft.notes,
  };
}
