// The parser axis: what of a row of octets a box takes for a host name.
import { latin1 } from "../octets.ts";
import { firstMessage, messageWithin } from "../message.ts";
import type { ParserAxis } from "./axes.ts";
import type { BlockedNames } from "./blocked-names.ts";

export interface Finding {
  /** A name that the octets hold, listed or not. */
  readonly name: string | undefined;
  /** One whole message was read: what follows is another matter. */
  readonly isWhole: boolean;
}

export type Finder = (octets: Uint8Array) => Finding;

const NOTHING: Finding = { name: undefined, isWhole: false };
/** A header as browsers and curl spell it. */
const HOST_AS_SENT = "\r\nHost: ";

export function finderOf(parser: ParserAxis, blocked: BlockedNames): Finder {
  if (parser.kind === "octets") return (octets) => ({ name: blocked.within(octets), isWhole: false });
  const { tlsRecords, http } = parser;
  return (octets) => {
    const message = tlsRecords > 1 ? firstMessage(octets, tlsRecords) : messageWithin(octets);
    if (message === undefined) return NOTHING;
    const isRead = message.kind === "tls" ? tlsRecords > 0 : http !== "no";
    if (!isRead || (message.kind === "http" && http === "as-sent" && !latin1(octets).includes(HOST_AS_SENT))) {
      return NOTHING;
    }
    return { name: message.host, isWhole: message.complete };
  };
}
