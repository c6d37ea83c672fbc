// How QUIC fares: the host's name between two controls. One from before says that the server has QUIC; one from behind
// says that this machine still had the time for it, for on a busy one everything is late.
import type { QuicOrder } from "./io/quic-client.ts";
import type { AddressSeen, QuicExchange } from "./observation.ts";
import type { ProbedPage, ProbeQuestion } from "./question.ts";
import type { Sources } from "./search/address-pool.ts";

const TRIES = 2;

/** Makes one request over QUIC; never throws. */
export interface QuicAsker {
  ask(order: QuicOrder): Promise<QuicExchange>;
}

export interface QuicParts {
  readonly quic: QuicAsker | undefined;
  readonly sources: Sources | undefined;
  readonly question: Pick<ProbeQuestion, "harmless" | "quic">;
}

export interface QuicPlace {
  readonly address: string;
  readonly quicHarmless: QuicExchange;
  /** Where the harmless host itself is. */
  readonly elsewhere: string | undefined;
}

/** The control from before. Undefined: nobody asks. */
export async function quicControl({ quic, question }: QuicParts, address: string): Promise<QuicExchange | undefined> {
  if (quic === undefined || !question.quic) return undefined;
  const order = { address, name: question.harmless, path: "/" };
  const first = await quic.ask(order);
  return first.answered > 0 ? first : quic.ask(order);
}

/** What the host's name brings, and the controls from behind a failure. */
export async function observeQuic(
  { quic, question, sources }: QuicParts,
  { host, path }: ProbedPage,
  { address, quicHarmless, elsewhere }: QuicPlace,
): Promise<Pick<AddressSeen, "quic" | "quicHarmless" | "quicAfter" | "quicElsewhere">> {
  if (quic === undefined || !question.quic) return {};
  // Who does not answer a harmless name has no QUIC.
  if (quicHarmless.answered === 0) return { quicHarmless, quic: [] };
  const tries = await Promise.all(Array.from({ length: TRIES }, () => quic.ask({ address, name: host, path })));
  if (tries.some(({ end }) => end === "done")) return { quicHarmless, quic: tries };
  const harmless = { name: question.harmless, path: "/" };
  const quicAfter = await quic.ask({ ...harmless, address });
  if (quicAfter.answered > 0) return { quicHarmless, quic: tries, quicAfter };
  // Punished, or out of time: another address tells, or another source.
  const source = elsewhere === undefined ? await sources?.take(address) : undefined;
  const there = elsewhere ?? (source === undefined ? undefined : address);
  if (there === undefined) return { quicHarmless, quic: tries, quicAfter };
  const quicElsewhere = await quic.ask({ ...harmless, address: there, ...(source !== undefined && { source }) });
  return { quicHarmless, quic: tries, quicAfter, quicElsewhere };
}
