// What a server makes of an HTTP/1 request's head (RFC 9112 sections 2.2 and 5.1): a line feed alone ends a line, names
// of fields and the host have no case, white space around a value does not count.
import { latin1 } from "./octets.ts";

/** Equal for requests that mean the same. A User-Agent may have been given what others saved, so it does not count. */
export function requestMeaning(octets: Uint8Array): string {
  const [head = ""] = latin1(octets).split(/\n\r?\n/, 1);
  const [line = "", ...fields] = head.split(/\r?\n/);
  const named = fields.map((field) => {
    const at = field.indexOf(":");
    const name = field.slice(0, at).trim().toLowerCase();
    const value = field.slice(at + 1).trim();
    return name === "user-agent" ? name : `${name}:${name === "host" ? value.toLowerCase() : value}`;
  });
  return [line.trim(), ...named].join("\n");
}
