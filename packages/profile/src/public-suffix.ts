// Public suffixes: names below which anybody can register, "com", "co.uk". A rule for one of them is for a whole
// country, which is rarely meant.
import { parse } from "tldts";

/** The list's own part alone: below names of its private part, such as github.io, people do mean everything. */
const OPTIONS = {
  allowPrivateDomains: false,
  detectIp: false,
  extractHostname: false,
  mixedInputs: false,
  validateHostname: false,
} as const;

/** Whether a name in its one form is a public suffix of the internet; local names such as "lan" are none. */
export function isPublicSuffix(name: string): boolean {
  const { domain, isIcann } = parse(name, OPTIONS);
  return isIcann === true && domain === null;
}
