// What a probe is asked: hosts with their pages, the name that nobody minds, and where they are known to be.
import { ExitError } from "../service/exit.ts";

/** A page of a host. */
export interface ProbedPage {
  readonly host: string;
  readonly path: string;
}

export interface ProbeQuestion {
  readonly pages: readonly ProbedPage[];
  /** A host that is not blocked: the control beside every test. */
  readonly harmless: string;
  /** Addresses that are not asked for: by host. */
  readonly known: ReadonlyMap<string, readonly string[]>;
  /** How long nothing may come. */
  readonly patienceMs: number;
  /** How long a punishment may last: an address that is shut for longer is blocked. 0: nobody waits for that. */
  readonly punishedMs: number;
  /** PEM of authorities besides the system's. */
  readonly authorities?: readonly string[];
  /** How often each test is made. */
  readonly repeats: number;
  readonly quic: boolean;
  readonly families: readonly (4 | 6)[];
}

const NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)+$/u;

/** "example.org", "example.org/page", "https://example.org/page?x=1". @throws ExitError for anything else */
export function readPage(text: string): ProbedPage {
  const url = URL.parse(text.includes("://") ? text : `https://${text}`);
  const isPlain =
    url !== null &&
    !/^[\d.]+$/u.test(url.hostname) &&
    url.protocol === "https:" &&
    url.port === "" &&
    url.username === "";
  if (!isPlain || !NAME.test(url.hostname)) {
    throw new ExitError(`host ${JSON.stringify(text)}: expected a name such as example.org, or its https address`, 2);
  }
  return { host: url.hostname, path: `${url.pathname}${url.search}` };
}

/** "example.org:192.0.2.7,2001:db8::7". @throws ExitError */
export function readKnown(texts: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const known = new Map<string, readonly string[]>();
  for (const text of texts) {
    const [, host = "", list = ""] = /^([^:]+):(.+)$/u.exec(text) ?? [];
    const addresses = list.split(",");
    if (!NAME.test(host) || addresses.some((address) => !isAddress(address))) {
      throw new ExitError(`${JSON.stringify(text)}: expected host:address,address`, 2);
    }
    known.set(host, [...(known.get(host) ?? []), ...addresses]);
  }
  return known;
}

function isAddress(text: string): boolean {
  return URL.canParse(text.includes(":") ? `http://[${text}]/` : `http://${text}/`) && /^[\d.]+$|:/u.test(text);
}

export function familyOf(address: string): 4 | 6 {
  return address.includes(":") ? 6 : 4;
}
