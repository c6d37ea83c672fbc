// Techniques that answer a DNS query here instead of sending it on.
import { formatAddress, formatEndpoint, parseAddress, parseEndpoint } from "@bunnel/wire";
import { shown } from "../wording.ts";
import type { Reading, Scope } from "./parameters.ts";
import type { Doh, Redirect } from "./strategy.ts";

/** RFC 1035 section 4.2 */
const DNS_PORT = 53;

export function readDoh(): Reading<Doh> {
  return { parameters: [], finish: () => ({ technique: "doh" }) };
}

/** `redirect(192.0.2.53)`, `redirect(192.0.2.53:5353)`, `redirect([2001:db8::53]:5353)`. */
export function readRedirect(scope: Scope): Reading<Redirect> {
  let found: Redirect | undefined;
  return {
    parameters: [
      {
        form: "address:port",
        takes: () => true,
        read(argument) {
          scope.once(argument, "resolver");
          scope.noValue(argument);
          const { text } = argument.word;
          found = resolverOf(text);
          if (found !== undefined) return;
          const expected = "expected an address and perhaps a port, as in 192.0.2.53:5353 or [2001:db8::53]:5353";
          throw scope.error(argument.word, `${scope.word}: ${expected}, found ${shown(text)}`);
        },
      },
    ],
    finish() {
      if (found !== undefined) return found;
      throw scope.error(scope.tree.word, `${scope.word}: expected an address in parentheses, found none`);
    },
  };
}

function resolverOf(text: string): Redirect | undefined {
  try {
    const isBare = !text.startsWith("[") && text.split(":").length !== 2;
    const address = isBare ? parseAddress(text) : undefined;
    if (address !== undefined) return { technique: "redirect", address: formatAddress(address), port: DNS_PORT };
    const endpoint = parseEndpoint(text);
    if (endpoint.port === 0) return undefined;
    return { technique: "redirect", address: formatAddress(parseAddress(endpoint.address)), port: endpoint.port };
  } catch {
    return undefined;
  }
}

/** As the notation has it: the port only where it is not the usual one. */
export function resolverWords({ address, port }: Redirect): readonly string[] {
  return [port === DNS_PORT ? address : formatEndpoint(address, port)];
}
