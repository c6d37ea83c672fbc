// Questions to answers:
//   1. the query is read; what makes no sense is answered with an error, or not at all
//   2. an answer that is kept and still lives is given again
//   3. a question that is under way already is waited for
//   4. upstreams are asked, the first that is well first, the next when it is slow or fails
//   5. the answer is kept for its lifetime, and made fit for who asked
import { answerTo, failureTo, fitUdp, keep, refusalTo, type KeptAnswer } from "./answer.ts";
import { askFor, readAnswer } from "./ask.ts";
import { AnswerCache } from "./cache.ts";
import { addressesIn, boundLifetimes, lifetimeOf, type LearnedAddresses, type LifetimeBounds } from "./lifetime.ts";
import { Rcode } from "./message.ts";
import { readQuery, type Query } from "./query.ts";
import { isServerName } from "./server-names.ts";
import { openUpstream, UpstreamSet, type UpstreamFigures } from "./upstream-set.ts";
import type { PlainTarget, Sockets, UpstreamTarget } from "./upstream.ts";

/** How a resolver works. */
export interface ResolverOptions {
  /** Asked in this order. At least one. */
  readonly upstreams: readonly UpstreamTarget[];
  /** How a DoH server is asked. Default "POST"; GET lets caches on the way answer. */
  readonly method?: "POST" | "GET";
  /** Certificates of authorities for DoH servers, PEM, in the place of the system's. */
  readonly ca?: string;
  /** How long a question may take. Default 4000 ms: askers mostly ask again after five seconds. */
  readonly timeoutMs?: number;
  /** The next upstream is asked after so long. Default 500 ms. */
  readonly nextUpstreamMs?: number;
  /** Answers that are kept. Default 4096; 0: none. */
  readonly cacheEntries?: number;
  /** How long answers are kept. Default 30 to 3600 s, at most 300 s for an answer that there is none. */
  readonly lifetime?: LifetimeBounds;
  /** Questions under way at a time; more are refused with SERVFAIL. Default 512. */
  readonly maxPending?: number;
  /** When every upstream has failed, the server that the asker meant is asked. Default false: SERVFAIL. */
  readonly fallBack?: boolean;
  /**
   * Names that only the server that the asker meant can know, with everything below them. Those of private addresses
   * are always such names (RFC 6303). Default none.
   */
  readonly serverNames?: readonly string[];
  /** How connections are made. Default: the system's own way, to addresses alone. */
  readonly sockets?: Sockets;
  /** Told of the addresses in each answer that came from an upstream. */
  readonly onAddresses?: (learned: LearnedAddresses) => void;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly now?: () => number;
}

/** What goes with a query. */
export interface AskedHow {
  /** By UDP an answer must fit what the asker takes. */
  readonly transport: "udp" | "tcp";
  /** Whom the asker meant to ask. It is asked in plain DNS for what the options leave to it, and nothing else. */
  readonly server?: PlainTarget;
}

/** What a resolver has done. */
export interface ResolverFigures {
  /** Queries that made sense. */
  readonly asked: number;
  readonly fromCache: number;
  /** Those that waited for the same question of somebody else. */
  readonly joined: number;
  /** Those for names of the server that the asker meant. */
  readonly passedOn: number;
  /** Those that no upstream answered. */
  readonly failed: number;
  /** Of these, those that the fallback answered. */
  readonly fellBack: number;
  /** Those that found too many under way. */
  readonly refused: number;
  /** What was no query, or none that makes sense. */
  readonly malformed: number;
  readonly cached: number;
  readonly upstreams: readonly UpstreamFigures[];
}

export const RESOLVER_DEFAULTS = {
  method: "POST",
  timeoutMs: 4000,
  nextUpstreamMs: 500,
  cacheEntries: 4096,
  lifetime: { minSeconds: 30, maxSeconds: 3600, negativeMaxSeconds: 300 },
  maxPending: 512,
} as const;

/** Answers DNS queries by upstreams. It throws at nobody: what goes wrong is an answer too, and a figure. */
export class Resolver {
  readonly #upstreams: UpstreamSet;
  readonly #cache: AnswerCache;
  readonly #lifetime: LifetimeBounds;
  readonly #pending = new Map<string, Promise<KeptAnswer | undefined>>();
  readonly #now: () => number;
  readonly #sums = {
    ...{ asked: 0, fromCache: 0, joined: 0, passedOn: 0, failed: 0, fellBack: 0, refused: 0, malformed: 0 },
  };
  #isClosed = false;

  /** @throws TypeError for a URL that is none */
  constructor(readonly options: ResolverOptions) {
    this.#now = options.now ?? (() => performance.now());
    this.#upstreams = new UpstreamSet(options.upstreams, options);
    this.#cache = new AnswerCache(options.cacheEntries ?? RESOLVER_DEFAULTS.cacheEntries);
    this.#lifetime = options.lifetime ?? RESOLVER_DEFAULTS.lifetime;
  }

  /**
   * The answer to a query, both as octets of one DNS message. Undefined: nothing is to be said to this. Never rejects:
   * a query that is wrong is answered FORMERR, NOTIMP or BADVERS, and one that nobody answers SERVFAIL.
   */
  async answer(octets: Uint8Array, how: AskedHow): Promise<Uint8Array | undefined> {
    const query = readQuery(octets);
    if (query === undefined || "rcode" in query) {
      this.#sums.malformed++;
      return query && refusalTo(query);
    }
    this.#sums.asked++;
    if (how.server !== undefined && isServerName(query, this.options.serverNames ?? [])) {
      this.#sums.passedOn++;
      return this.#shape(query, await this.#askServer(query, how.server), 0, how);
    }
    const nowMs = this.#now();
    const hit = this.#cache.find(query.key, nowMs);
    if (hit !== undefined) {
      this.#sums.fromCache++;
      return this.#shape(query, hit.answer, hit.ageSeconds, how);
    }
    const kept = (await this.#askOnce(query)) ?? (await this.#fallBack(query, how));
    return this.#shape(query, kept, 0, how);
  }

  /** The figures as of now. */
  get figures(): ResolverFigures {
    return { ...this.#sums, cached: this.#cache.size, upstreams: this.#upstreams.figures };
  }

  /** The network is another: what comes is asked over new connections. Answers that are kept stay true. */
  reconnect(): void {
    this.#upstreams.restart();
  }

  /** Forgets answers, and asks over new connections. */
  reset(): void {
    this.#cache.clear();
    this.reconnect();
  }

  /** Ends connections; questions under way fail. */
  close(): void {
    this.#isClosed = true;
    this.#upstreams.close();
    this.#cache.clear();
  }

  #shape(query: Query, kept: KeptAnswer | undefined, ageSeconds: number, { transport }: AskedHow): Uint8Array {
    const answer = kept === undefined ? failureTo(query, Rcode.ServFail) : answerTo(query, kept, ageSeconds);
    return transport === "udp" ? fitUdp(query, kept, answer) : answer;
  }

  #askOnce(query: Query): Promise<KeptAnswer | undefined> {
    const pending = this.#pending.get(query.key);
    if (pending !== undefined) {
      this.#sums.joined++;
      return pending;
    }
    if (this.#isClosed || this.#pending.size >= (this.options.maxPending ?? RESOLVER_DEFAULTS.maxPending)) {
      this.#sums.refused++;
      return Promise.resolve(undefined);
    }
    const asking = this.#ask(query).finally(() => this.#pending.delete(query.key));
    this.#pending.set(query.key, asking);
    return asking;
  }

  async #ask(query: Query): Promise<KeptAnswer | undefined> {
    const timeoutMs = this.options.timeoutMs ?? RESOLVER_DEFAULTS.timeoutMs;
    const answered = await this.#upstreams.ask(query, AbortSignal.timeout(timeoutMs), this.#now());
    if (answered === undefined) {
      this.#sums.failed++;
      return undefined;
    }
    return this.#take(query, answered);
  }

  /** Keeps an answer that was found to be one. */
  #take(query: Query, octets: Uint8Array): KeptAnswer | undefined {
    const asked = askFor(query, { id: new DataView(octets.buffer, octets.byteOffset).getUint16(0), padded: false });
    const message = readAnswer(octets, asked);
    if (message === undefined) return undefined;
    const kept = keep(message);
    const seconds = lifetimeOf(message, this.#lifetime);
    boundLifetimes(kept.octets, kept.ttlsAt, this.#lifetime);
    this.#cache.add(query.key, kept, seconds, this.#now());
    const learned = addressesIn(query, octets, seconds);
    if (learned !== undefined) this.options.onAddresses?.(learned);
    return kept;
  }

  async #fallBack(query: Query, { server }: AskedHow): Promise<KeptAnswer | undefined> {
    if (server === undefined || this.options.fallBack !== true) return undefined;
    const kept = await this.#askServer(query, server);
    if (kept !== undefined) this.#sums.fellBack++;
    return kept;
  }

  /** What the asker's own server says is given on, and not kept: another asker may mean another server. */
  async #askServer(query: Query, server: PlainTarget): Promise<KeptAnswer | undefined> {
    if (this.#isClosed) return undefined;
    const upstream = openUpstream(server, this.options);
    const asked = askFor(query, { id: crypto.getRandomValues(new Uint16Array(1))[0] ?? 0, padded: false });
    try {
      const timeoutMs = this.options.timeoutMs ?? RESOLVER_DEFAULTS.timeoutMs;
      const message = readAnswer(await upstream.exchange(asked, AbortSignal.timeout(timeoutMs)), asked);
      return message && keep(message);
    } catch {
      return undefined;
    } finally {
      upstream.close();
    }
  }
}
