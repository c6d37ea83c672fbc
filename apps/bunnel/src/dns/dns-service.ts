// Who answers the DNS queries that rules take out: a resolver over HTTPS, and one for each server that a rule names.
//
// Connections over HTTPS carry no mark. They are traffic of this machine like any other: they come up where a rule asks
// for them, and its strategy protects them too. Plain DNS carries our mark, or it would be taken out again.
import type { AnswerDns, DnsQuestion, DnsServer } from "@bunnel/backend";
import type { DnsSettings, Profile } from "@bunnel/profile";
import { Resolver, type LearnedAddresses, type ResolverFigures, type ResolverOptions } from "@bunnel/resolver";
import { OUR_MARK } from "@bunnel/tun-linux";
import { markedStream } from "./marked-stream.ts";
import { setMark } from "./sys.ts";

/** Resolvers of redirects at a time; a profile has few, and each keeps a cache. */
const REDIRECTS_MAX = 64;

/** The service for a profile, on Linux: its plain DNS carries the mark of our own packets. */
export function openDns(profile: Profile): DnsService {
  return new DnsService(profile, OUR_MARK);
}

/**
 * The service where everything leaves by sockets, and no mark keeps plain DNS from being taken out again: it asks over
 * HTTPS alone, whatever a name is.
 */
export function openDnsBySockets(profile: Profile): DnsService {
  return new DnsService(profile, 0, true);
}

/** What the answering has done since its settings were put in force. */
export type DnsFigures = ResolverFigures;

export class DnsService implements Disposable {
  #settings: DnsSettings;
  #overHttps: Resolver;
  readonly #redirects = new Map<string, Resolver>();

  /** Told of each address that an answer names, and for how long. */
  learn: (address: string, host: string, seconds: number) => void = () => undefined;

  /**
   * @param mark of the packets of plain DNS; 0: none, and no privilege is needed
   * @param httpsAlone never asks by plain DNS
   */
  constructor(
    profile: Profile,
    readonly mark: number,
    readonly httpsAlone = false,
  ) {
    this.#settings = profile.dns;
    this.#overHttps = this.#open(this.#settings.upstreams.map((upstream) => ({ kind: "doh", ...upstream })));
  }

  /** Answers a query that came as a datagram. */
  readonly answer: AnswerDns = (question) => this.#answer(question, "udp");

  /** Answers a query that came over a stream. */
  readonly answerStream: AnswerDns = (question) => this.#answer(question, "tcp");

  /** The figures of all resolvers together. */
  get figures(): DnsFigures {
    const all = [this.#overHttps, ...this.#redirects.values()].map(({ figures }) => figures);
    const sum = (key: Exclude<keyof DnsFigures, "upstreams">): number =>
      all.reduce((total, figures) => total + figures[key], 0);
    return {
      asked: sum("asked"),
      fromCache: sum("fromCache"),
      joined: sum("joined"),
      passedOn: sum("passedOn"),
      failed: sum("failed"),
      fellBack: sum("fellBack"),
      refused: sum("refused"),
      malformed: sum("malformed"),
      cached: sum("cached"),
      upstreams: all.flatMap(({ upstreams }) => upstreams),
    };
  }

  /** Works as another profile says from now on; questions under way end as they began. */
  use({ dns }: Profile): void {
    if (Bun.deepEquals(dns, this.#settings)) return;
    const before = [this.#overHttps, ...this.#redirects.values()];
    const endMs = this.#settings.timeoutMs;
    this.#settings = dns;
    this.#redirects.clear();
    this.#overHttps = this.#open(dns.upstreams.map((upstream) => ({ kind: "doh", ...upstream })));
    setTimeout(() => before.forEach((resolver) => resolver.close()), endMs).unref();
  }

  /** The network is another: connections over the old one may never say that they are dead. */
  reconnect(): void {
    for (const resolver of [this.#overHttps, ...this.#redirects.values()]) resolver.reconnect();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  close(): void {
    for (const resolver of [this.#overHttps, ...this.#redirects.values()]) resolver.close();
  }

  #answer({ query, server, resolver }: DnsQuestion, transport: "udp" | "tcp"): Promise<Uint8Array | undefined> {
    const who = resolver === undefined ? this.#overHttps : this.#redirectTo(resolver);
    return who.answer(query, { transport, server: { kind: "plain", ...server } });
  }

  #redirectTo(server: DnsServer): Resolver {
    const key = `${server.address} ${server.port}`;
    const known = this.#redirects.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#redirects.keys();
    if (oldest !== undefined && this.#redirects.size >= REDIRECTS_MAX) {
      this.#redirects.get(oldest)?.close();
      this.#redirects.delete(oldest);
    }
    const made = this.#open([{ kind: "plain", ...server }]);
    this.#redirects.set(key, made);
    return made;
  }

  #open(upstreams: ResolverOptions["upstreams"]): Resolver {
    const dns = this.#settings;
    return new Resolver({
      upstreams,
      method: dns.method === "get" ? "GET" : "POST",
      ...(dns.certificates && { ca: dns.certificates.pem }),
      timeoutMs: dns.timeoutMs,
      nextUpstreamMs: dns.nextUpstreamMs,
      cacheEntries: dns.cacheEntries,
      lifetime: {
        minSeconds: dns.ttlMinSeconds,
        maxSeconds: dns.ttlMaxSeconds,
        negativeMaxSeconds: dns.negativeTtlMaxSeconds,
      },
      maxPending: dns.maxPending,
      fallBack: dns.fallback === "system" && !this.httpsAlone,
      serverNames: this.httpsAlone ? [] : dns.systemNames,
      sockets: {
        prepareDatagrams: (descriptor) => markOrFail(descriptor, this.mark),
        ...(this.mark !== 0 && {
          connectPlain: (address: string, port: number) => markedStream(address, port, this.mark),
        }),
      },
      onAddresses: ({ host, addresses, seconds }: LearnedAddresses) => {
        for (const address of addresses) this.learn(address, host, seconds);
      },
    });
  }
}

/** Unmarked it would come up again, and ask itself. */
function markOrFail(descriptor: number, mark: number): void {
  if (mark === 0) return;
  const failed = setMark(descriptor, mark);
  if (failed !== 0) throw new Error(`mark of a DNS socket: refused with errno ${failed}`);
}
