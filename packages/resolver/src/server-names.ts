// Names that mean something on one network alone: an upstream elsewhere does not know them, and need not hear of them.
import type { Query } from "./query.ts";

/** The reverse names of private, link-local and loopback addresses (RFC 6303 section 4). */
const PRIVATE_REVERSE =
  /(?:^|\.)(?:(?:10|127|168\.192|254\.169|(?:1[6-9]|2\d|3[01])\.172)\.in-addr|(?:[cd]\.f|[89ab]\.e\.f)\.ip6)\.arpa$/;

/** Whether the question is one for the server that its asker meant. Names are lower case, without a dot at the end. */
export function isServerName({ host }: Pick<Query, "host">, names: readonly string[]): boolean {
  if (host === undefined) return false;
  return PRIVATE_REVERSE.test(host) || names.some((name) => host === name || host.endsWith(`.${name}`));
}
