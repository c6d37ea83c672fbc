// Where names are, as the system says it and as a resolver says it that nobody on the way can rewrite.
import { readFileSync } from "node:fs";
import type { Profile } from "@bunnel/profile";
import { lookUp, Resolver, UpstreamError, type UpstreamTarget } from "@bunnel/resolver";
import type { NamesSeen } from "../observation.ts";
import type { Traffic } from "../search/budget.ts";

const TIMEOUT_MS = 2500;
const DNS_PORT = 53;
const RESOLV_CONF = "/etc/resolv.conf";
/** About what a question and its answer have. */
const EXCHANGE_BYTES = 300;

export interface NameParts {
  readonly profile: Profile;
  /** Resolvers of the system, in the place of those that it says itself. */
  readonly resolvers?: readonly string[];
  /** Marks sockets of plain DNS, so that a service does not answer in the place of the network. */
  readonly prepareDatagrams?: (descriptor: number) => void;
  readonly traffic: Traffic;
}

/** Asks both. */
export class Names implements Disposable {
  readonly #system: Resolver | undefined;
  readonly #trusted: Resolver;
  readonly #traffic: Traffic;

  constructor({ profile, resolvers, prepareDatagrams, traffic }: NameParts) {
    this.#traffic = traffic;
    const addresses = resolvers ?? systemResolvers();
    const plain = addresses.map((address): UpstreamTarget => ({ kind: "plain", address, port: DNS_PORT }));
    const common = { timeoutMs: TIMEOUT_MS, cacheEntries: 0 };
    const sockets = prepareDatagrams === undefined ? {} : { sockets: { prepareDatagrams } };
    this.#system = plain.length === 0 ? undefined : new Resolver({ ...common, ...sockets, upstreams: plain });
    const { upstreams, certificates } = profile.dns;
    const doh = upstreams.map(({ url, addresses: where }): UpstreamTarget => ({ kind: "doh", url, addresses: where }));
    const ca = certificates === undefined ? {} : { ca: certificates.pem };
    this.#trusted = new Resolver({ ...common, ...ca, upstreams: doh });
  }

  /** What the system's resolver says, as a program of this machine would hear it. */
  system(host: string): Promise<NamesSeen> {
    return this.#system === undefined ? Promise.resolve("silent") : this.#ask(this.#system, host);
  }

  trusted(host: string): Promise<NamesSeen> {
    return this.#ask(this.#trusted, host);
  }

  [Symbol.dispose](): void {
    this.#system?.close();
    this.#trusted.close();
  }

  async #ask(resolver: Resolver, host: string): Promise<NamesSeen> {
    // A question for each family.
    for (let question = 0; question < 2; question++) {
      this.#traffic.connection();
      this.#traffic.octets(EXCHANGE_BYTES);
    }
    const { promise: interrupted, resolve } = Promise.withResolvers<readonly string[] | undefined>();
    const stop = (): void => resolve(undefined);
    const { signal } = this.#traffic;
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted === true) stop();
    try {
      const asked = lookUp((query) => resolver.answer(query, { transport: "tcp" }), host);
      const found = await Promise.race([asked, interrupted]);
      if (found === undefined) return "silent";
      return found.length === 0 ? "none" : found;
    } catch (error) {
      if (error instanceof UpstreamError) return "silent";
      throw error;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }
}

/** Those of resolv.conf(5). */
export function systemResolvers(path: string = RESOLV_CONF): readonly string[] {
  try {
    return [...readFileSync(path, "utf8").matchAll(/^\s*nameserver\s+([^\s%]+)/gmu)].map(([, address = ""]) => address);
  } catch {
    return [];
  }
}
