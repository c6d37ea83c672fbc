// The tests that find out how a host is blocked, and the control beside each of them. No strategy is in force.
import type { Names } from "./io/names.ts";
import { exchange } from "./io/exchange.ts";
import type { QuicClient } from "./io/quic-client.ts";
import type { Way } from "./io/way.ts";
import type { AddressSeen, Exchange, HostSeen, NamesSeen, QuicExchange } from "./observation.ts";
import { isAnswered, isServed } from "./observation.ts";
import { familyOf, type ProbedPage, type ProbeQuestion } from "./question.ts";
import type { Budget } from "./search/budget.ts";

/** Addresses of one host and family that are tested: many hosts have dozens. */
const ADDRESSES_MAX = 2;
const QUIC_TRIES = 2;

export interface ObserveParts {
  readonly way: Way;
  readonly names: Names;
  readonly quic: QuicClient | undefined;
  readonly question: ProbeQuestion;
  readonly budget: Budget;
}

/** Everything that is to be known of a host. */
export async function observe(parts: ObserveParts, page: ProbedPage): Promise<HostSeen> {
  const { names, question } = parts;
  const { host } = page;
  const [system, trusted, systemHarmless] = await Promise.all([
    names.system(host),
    trustedNames(parts, host),
    names.system(question.harmless),
  ]);
  // Without a resolver to trust, what the system says is all there is; the certificate tells whether it was right.
  const right = typeof trusted === "string" ? listOf(system) : trusted;
  const suspects = listOf(system).filter((address) => !right.includes(address));
  const wanted = [...chosen(question, right), ...chosen(question, suspects).slice(0, 1)];
  const addresses = await Promise.all(
    wanted.map((address) => observeAddress(parts, page, address, right.includes(address))),
  );
  // Last, because some boxes go on punishing this machine wherever it turns to.
  const elsewhere = await observeElsewhere(parts, host, wanted);
  return {
    ...{ host, system, trusted, systemHarmless, addresses },
    ...(elsewhere !== undefined && { elsewhere }),
  };
}

/** All addresses of a host that may be used for trials. */
export async function trustedNames({ names, question }: ObserveParts, host: string): Promise<NamesSeen> {
  const known = question.known.get(host);
  return known ?? names.trusted(host);
}

function listOf(seen: NamesSeen): readonly string[] {
  return typeof seen === "string" ? [] : seen;
}

/** A few of each family. */
function chosen({ families }: ProbeQuestion, addresses: readonly string[]): readonly string[] {
  return families.flatMap((family) =>
    addresses.filter((address) => familyOf(address) === family).slice(0, ADDRESSES_MAX),
  );
}

async function observeElsewhere(
  parts: ObserveParts,
  host: string,
  wanted: readonly string[],
): Promise<HostSeen["elsewhere"]> {
  const { harmless } = parts.question;
  const [there] = listOf(await trustedNames(parts, harmless)).filter((address) => !wanted.includes(address));
  if (there === undefined) return undefined;
  const control = await hello(parts, there, harmless);
  return { harmless: control, own: await hello(parts, there, host) };
}

async function observeAddress(
  parts: ObserveParts,
  page: ProbedPage,
  address: string,
  isTrusted: boolean,
): Promise<AddressSeen> {
  const { question } = parts;
  // The harmless name goes first: behind a hit even that may be punished.
  const harmless = await again(() => hello(parts, address, question.harmless), isAnswered);
  const [own, plain] = await Promise.all([
    Promise.all(
      Array.from({ length: question.repeats }, (_, count) =>
        whole(parts, page, address, count % 2 === 0 ? "post-quantum" : "classic"),
      ),
    ),
    isTrusted ? observePlain(parts, page, address) : undefined,
  ]);
  const isBad = own.some((each) => !isServed(each));
  const isCutOff = isBad && isAnswered(harmless) && !own.every(isAnswered);
  const nameless = isBad && !isAnswered(harmless) ? await hello(parts, address, undefined) : undefined;
  const after = isCutOff ? await hello(parts, address, question.harmless) : undefined;
  return {
    ...{ address, family: familyOf(address), isTrusted, own, harmless, ...plain },
    ...(nameless !== undefined && { nameless }),
    ...(after !== undefined && { after }),
    ...(isTrusted && (await observeQuic(parts, page, address))),
  };
}

async function observePlain(parts: ObserveParts, { host, path }: ProbedPage, address: string) {
  const { question, way, budget } = parts;
  const ask = (name: string): Promise<Exchange> =>
    exchange(way, { address, name, path, scheme: "http", patienceMs: question.patienceMs }, budget);
  const httpHarmless = await ask(question.harmless);
  return { httpHarmless, http: await ask(host) };
}

async function observeQuic(parts: ObserveParts, page: ProbedPage, address: string) {
  const { quic, question } = parts;
  if (quic === undefined || !question.quic) return {};
  const askHarmless = (): Promise<QuicExchange> => quic.ask({ address, name: question.harmless, path: "/" });
  const quicHarmless = await again(askHarmless, ({ answered }) => answered > 0);
  // Who does not answer a harmless name has no QUIC.
  const count = quicHarmless.answered > 0 ? QUIC_TRIES : 0;
  const ask = (): Promise<QuicExchange> => quic.ask({ address, name: page.host, path: page.path });
  const tries = await Promise.all(Array.from({ length: count }, ask));
  const isCutOff = tries.length > 0 && tries.every(({ end }) => end !== "done");
  if (!isCutOff) return { quicHarmless, quic: tries };
  const quicAfter = await askHarmless();
  return { quicHarmless, quic: tries, quicAfter };
}

/** A control that fails is made once more: everything rests on it. */
async function again<Seen>(make: () => Promise<Seen>, isGood: (seen: Seen) => boolean): Promise<Seen> {
  const first = await make();
  return isGood(first) ? first : make();
}

function hello(parts: ObserveParts, address: string, name: string | undefined): Promise<Exchange> {
  const { way, question, budget } = parts;
  const { patienceMs } = question;
  return exchange(way, { address, name, scheme: "https", isHelloOnly: true, patienceMs }, budget);
}

/** The host's own page, with its certificate. */
export function whole(
  { way, question, budget }: Pick<ObserveParts, "way" | "question" | "budget">,
  { host, path }: ProbedPage,
  address: string,
  shape: "classic" | "post-quantum",
): Promise<Exchange> {
  const { patienceMs, authorities } = question;
  const order = { address, name: host, path, scheme: "https", shape, patienceMs } as const;
  return exchange(way, authorities === undefined ? order : { ...order, authorities }, budget);
}
