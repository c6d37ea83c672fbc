// The upstreams of a resolver: who is asked first, how each does, and what an answer is worth.
import { askFor, readAnswer } from "./ask.ts";
import { DohUpstream } from "./doh-upstream.ts";
import { UpstreamError } from "./errors.ts";
import { happyStart } from "./happy-start.ts";
import { Health } from "./health.ts";
import { Rcode } from "./message.ts";
import { PlainUpstream } from "./plain-upstream.ts";
import type { Query } from "./query.ts";
import type { ResolverOptions } from "./resolver.ts";
import type { Upstream, UpstreamTarget } from "./upstream.ts";

const NEXT_UPSTREAM_MS = 500;

/** What one upstream has done. */
export interface UpstreamFigures {
  readonly name: string;
  readonly asked: number;
  readonly answered: number;
  readonly failed: number;
  /** Times that one behind it was faster. */
  readonly outrun: number;
  /** Whether it is asked in its turn; after failures it is left alone for a while. */
  readonly isWell: boolean;
  /** Why it failed last. */
  readonly lastFailure?: string;
}

interface Member {
  readonly upstream: Upstream;
  readonly health: Health;
  asked: number;
  answered: number;
  failed: number;
  outrun: number;
  lastFailure: string | undefined;
}

/** How an upstream is opened. */
export type OpenOptions = Pick<ResolverOptions, "method" | "ca" | "sockets">;

/** The upstream that a target names. @throws TypeError for a URL that is none */
export function openUpstream(target: UpstreamTarget, { method = "POST", ca, sockets = {} }: OpenOptions): Upstream {
  if (target.kind === "plain") return new PlainUpstream(target, sockets);
  return new DohUpstream(target, { method, sockets, ...(ca !== undefined && { ca }) });
}

export class UpstreamSet {
  readonly #members: readonly Member[];

  constructor(
    targets: readonly UpstreamTarget[],
    readonly options: ResolverOptions,
  ) {
    this.#members = targets.map((target) => {
      const counts = { asked: 0, answered: 0, failed: 0, outrun: 0, lastFailure: undefined };
      return { upstream: openUpstream(target, options), health: new Health(), ...counts };
    });
  }

  get figures(): readonly UpstreamFigures[] {
    const nowMs = this.#nowMs();
    return this.#members.map(({ upstream, health, asked, answered, failed, outrun, lastFailure }) => ({
      name: upstream.name,
      asked,
      answered,
      failed,
      outrun,
      isWell: health.isWell(nowMs),
      ...(lastFailure !== undefined && { lastFailure }),
    }));
  }

  /** The first good answer; else one that says that it could not be found out; undefined: none came. */
  async ask(query: Query, signal: AbortSignal, nowMs: number): Promise<Uint8Array | undefined> {
    const members = this.#inOrder(nowMs);
    const poor: Uint8Array[] = [];
    const running = new Set<Member>();
    const ways = members.map((member, index) => async (given: AbortSignal) => {
      running.add(member);
      try {
        const octets = await this.#askOne(member, query, given, poor);
        return { octets, outrun: members.slice(0, index).filter((other) => running.has(other)) };
      } finally {
        running.delete(member);
      }
    });
    try {
      const won = await happyStart(ways, this.options.nextUpstreamMs ?? NEXT_UPSTREAM_MS, signal);
      this.#noteOutrun(won.outrun);
      return won.octets;
    } catch {
      if (signal.aborted) for (const member of running) this.#noteFailure(member, "no answer in time");
      return poor[0];
    }
  }

  /** New connections from here on; who failed before is asked in its turn again. */
  restart(): void {
    for (const { upstream, health } of this.#members) {
      upstream.restart();
      health.noteSuccess();
    }
  }

  close(): void {
    for (const { upstream } of this.#members) upstream.close();
  }

  async #askOne(member: Member, query: Query, signal: AbortSignal, poor: Uint8Array[]): Promise<Uint8Array> {
    const { upstream } = member;
    // An answer by HTTPS needs no number that nobody can guess, and caches want the same one (RFC 8484 section 4.1).
    const id = upstream.isPrivate ? 0 : (crypto.getRandomValues(new Uint16Array(1))[0] ?? 0);
    member.asked++;
    const asked = askFor(query, { id, padded: upstream.isPrivate });
    let octets: Uint8Array;
    try {
      octets = await upstream.exchange(asked, signal);
    } catch (error) {
      if (!signal.aborted) this.#noteFailure(member, error instanceof Error ? error.message : String(error));
      throw error;
    }
    member.health.noteSuccess();
    member.answered++;
    const rcode = readAnswer(octets, asked)?.rcode;
    if (rcode !== Rcode.ServFail && rcode !== Rcode.Refused && rcode !== Rcode.NotImp) return octets;
    // It works, and could not find out: another may. The name is to blame, not the upstream.
    poor.push(octets);
    throw new UpstreamError("E_ANSWER", `${upstream.name}: answered with rcode ${rcode}`);
  }

  /** Those that are well, as they stand; behind them the others, the one first that is nearest to another try. */
  #inOrder(nowMs: number): readonly Member[] {
    const well = this.#members.filter(({ health }) => health.isWell(nowMs));
    const others = this.#members.filter((member) => !well.includes(member));
    return [...well, ...others.toSorted((a, b) => a.health.leftAloneUntilMs - b.health.leftAloneUntilMs)];
  }

  /** Somebody behind it was faster: it may hang, and everybody would wait for it each time. */
  #noteOutrun(members: readonly Member[]): void {
    for (const member of members) {
      member.outrun++;
      member.health.noteFailure(this.#nowMs());
      member.upstream.restart();
    }
  }

  #noteFailure(member: Member, why: string): void {
    member.failed++;
    member.lastFailure = why;
    member.health.noteFailure(this.#nowMs());
  }

  #nowMs(): number {
    return this.options.now?.() ?? performance.now();
  }
}
