// How a proxy's names become addresses: a rule for DNS queries that would answer a query for the name here answers the
// name, too. Any other name is the system's.
import { lookup } from "node:dns/promises";
import { encodeRules, matchRule, tableRules, type Operation, type Profile } from "@bunnel/profile";
import { isServerName, lookUp } from "@bunnel/resolver";
import { DnsService } from "./dns-service.ts";

/** RFC 1035 section 4.2 */
const DNS_PORT = 53;
/** Nobody's server: names that only the network knows do not come here. */
const NO_SERVER = { address: "127.0.0.1", port: DNS_PORT };
/** A proxy's packets carry no mark: nothing of this program would take them again. */
const NO_MARK = 0;

export class NameResolver implements Disposable {
  readonly #dns: DnsService;
  #profile: Profile;
  #table: Uint8Array;

  constructor(profile: Profile) {
    this.#profile = forQueries(profile);
    this.#table = encodeRules(this.#profile);
    this.#dns = new DnsService(profile, NO_MARK);
  }

  /** Another profile for names from now on. */
  use(profile: Profile): void {
    const next = forQueries(profile);
    this.#table = encodeRules(next);
    this.#profile = next;
    this.#dns.use(profile);
  }

  /** The addresses of a name; none: it has none, or a rule says that it shall have none. @throws when nobody knows */
  readonly resolve = async (name: string): Promise<readonly string[]> => {
    const host = name.toLowerCase().replace(/\.$/, "");
    const operation = this.#operationFor(host);
    if (operation?.technique === "drop") return [];
    const { systemNames, fallback } = this.#profile.dns;
    const isOurs = operation?.technique === "doh" || operation?.technique === "redirect";
    if (!isOurs || isServerName({ host }, systemNames)) return bySystem(host);
    const resolver = operation.technique === "redirect" ? { resolver: operation } : {};
    const answer = (query: Uint8Array): Promise<Uint8Array | undefined> =>
      this.#dns.answerStream({ query, server: NO_SERVER, ...resolver });
    try {
      return await lookUp(answer, host);
    } catch (error) {
      if (fallback === "none") throw error;
      return bySystem(host);
    }
  };

  [Symbol.dispose](): void {
    this.#dns.close();
  }

  /** What the first rule for queries of this name does first. */
  #operationFor(host: string): Operation | undefined {
    const facts = { kind: "dns", family: "ipv4", port: DNS_PORT, host } as const;
    const rule = tableRules(this.#profile)[matchRule(this.#table, facts)]?.ruleIndex;
    const clauses = rule === undefined ? [] : (this.#profile.rules[rule]?.strategy.clauses ?? []);
    return clauses.find(({ kind }) => kind === "dns")?.operations[0];
  }
}

/** The profile with what its rules do to DNS queries and nothing else. */
function forQueries(profile: Profile): Profile {
  const rules = profile.rules.flatMap((rule) => {
    const clauses = rule.strategy.clauses.filter(({ kind }) => kind === "dns");
    return clauses.length === 0 ? [] : [{ ...rule, strategy: { clauses } }];
  });
  return { ...profile, rules };
}

async function bySystem(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
