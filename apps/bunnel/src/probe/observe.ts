// The tests that find out how a host is blocked, and the control beside each of them. No strategy is in force.
//   1. the controls at every address, before anything can bring a punishment
//   2. the host's own name, over and over, and behind a failure the control once more
//   3. the host's name at another address
import { observeQuic, quicControl, type QuicAsker } from "./observe-quic.ts";
import type { Names } from "./io/names.ts";
import { exchange } from "./io/exchange.ts";
import type { Way } from "./io/way.ts";
import type { AddressSeen, Exchange, HostSeen, NamesSeen, QuicExchange } from "./observation.ts";
import { isAnswered, isConnected, isServed } from "./observation.ts";
import { familyOf, type ProbedPage, type ProbeQuestion } from "./question.ts";
import type { Sources } from "./search/address-pool.ts";
import type { Budget } from "./search/budget.ts";

/** Addresses of one host and family that are tested: many hosts have dozens. */
const ADDRESSES_MAX = 2;
/** Ports that tell whether anybody is there: plain HTTP, and one at which hardly anybody was caught. */
const OTHER_PORTS = [80, 8443];

export interface ObserveParts {
  readonly way: Way;
  readonly names: Names;
  readonly quic: QuicAsker | undefined;
  /** Undefined: this process can make none. */
  readonly sources: Sources | undefined;
  readonly question: ProbeQuestion;
  readonly budget: Budget;
}

/** The controls at an address, from before the tests. */
interface Controls {
  readonly address: string;
  readonly isTrusted: boolean;
  readonly harmless: Exchange;
  /** The machine's own address is being punished there: tests come from others. */
  readonly wasPunished: boolean;
  readonly otherPorts?: readonly Exchange[];
  readonly fresh?: Exchange;
  readonly httpHarmless?: Exchange;
  readonly quicHarmless?: QuicExchange;
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
  const there = await harmlessPlace(parts, wanted);
  const [elsewhere, ...controls] = await Promise.all([
    there === undefined ? undefined : hello(parts, { address: there, name: question.harmless }),
    ...wanted.map((address) => control(parts, address, right.includes(address))),
  ]);
  const addresses = await Promise.all(controls.map((each) => testAddress(parts, page, each, there)));
  // Last, because some boxes go on punishing this machine wherever it turns to.
  const own = there === undefined ? undefined : await hello(parts, { address: there, name: host });
  return {
    ...{ host, system, trusted, systemHarmless, addresses },
    ...(elsewhere !== undefined && own !== undefined && { elsewhere: { harmless: elsewhere, own } }),
  };
}

/** All addresses of a host that may be used for trials. */
export async function trustedNames(
  { names, question }: Pick<ObserveParts, "names" | "question">,
  host: string,
): Promise<NamesSeen> {
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

/** Where the harmless host itself is. */
async function harmlessPlace(parts: ObserveParts, wanted: readonly string[]): Promise<string | undefined> {
  const { question } = parts;
  const all = listOf(await trustedNames(parts, question.harmless));
  return all.find((address) => !wanted.includes(address) && question.families.includes(familyOf(address)));
}

async function control(parts: ObserveParts, address: string, isTrusted: boolean): Promise<Controls> {
  const { question, sources } = parts;
  const name = question.harmless;
  const first = await again(() => hello(parts, { address, name }), isAnswered);
  // Nobody opens a connection: the address may be blocked, or this machine may be punished for what it did before.
  const isShut = !isConnected(first);
  const otherPorts = isShut ? await Promise.all(OTHER_PORTS.map((port) => hello(parts, { address, name, port }))) : [];
  const source = isShut ? await sources?.take(address) : undefined;
  const fresh =
    source === undefined ? undefined : await again(() => hello(parts, { address, name, source }), isAnswered);
  const wasPunished = fresh !== undefined && isAnswered(fresh);
  if (wasPunished && source !== undefined) sources?.giveBack(source);
  const [httpHarmless, quicHarmless] = isTrusted
    ? await Promise.all([plain(parts, address, { name, path: "/", source }), quicControl(parts, address)])
    : [];
  return {
    ...{ address, isTrusted, wasPunished, harmless: wasPunished ? fresh : first },
    ...(isShut && { otherPorts }),
    ...(fresh !== undefined && { fresh }),
    ...(httpHarmless !== undefined && { httpHarmless }),
    ...(quicHarmless !== undefined && { quicHarmless }),
  };
}

async function testAddress(
  parts: ObserveParts,
  page: ProbedPage,
  controls: Controls,
  elsewhere: string | undefined,
): Promise<AddressSeen> {
  const { question } = parts;
  const { address, isTrusted, harmless, wasPunished, httpHarmless, quicHarmless, otherPorts, fresh } = controls;
  const from = async () => (wasPunished ? parts.sources?.take(address) : undefined);
  const [own, http] = await Promise.all([
    Promise.all(
      Array.from({ length: question.repeats }, async (_, count) =>
        whole(parts, page, { address, source: await from() }, count % 2 === 0 ? "post-quantum" : "classic"),
      ),
    ),
    httpHarmless === undefined
      ? undefined
      : plain(parts, address, { name: page.host, path: page.path, source: await from() }),
  ]);
  const isBad = own.some((each) => !isServed(each));
  const isCutOff = isBad && isAnswered(harmless) && !own.every(isAnswered);
  const nameless = isBad && !isAnswered(harmless) ? await hello(parts, { address, name: undefined }) : undefined;
  const after = isCutOff ? await hello(parts, { address, name: question.harmless }) : undefined;
  return {
    ...{ address, family: familyOf(address), isTrusted, own, harmless },
    ...(wasPunished && { wasPunished }),
    ...(otherPorts !== undefined && { otherPorts }),
    ...(fresh !== undefined && { fresh }),
    ...(httpHarmless !== undefined && { httpHarmless }),
    ...(http !== undefined && { http }),
    ...(nameless !== undefined && { nameless }),
    ...(after !== undefined && { after }),
    ...(quicHarmless !== undefined && (await observeQuic(parts, page, { address, quicHarmless, elsewhere }))),
  };
}

/** A control that fails is made once more: everything rests on it. */
export async function again<Seen>(make: () => Promise<Seen>, isGood: (seen: Seen) => boolean): Promise<Seen> {
  const first = await make();
  return isGood(first) ? first : make();
}

interface HelloOrder {
  readonly address: string;
  readonly name: string | undefined;
  readonly port?: number;
  readonly source?: string | undefined;
}

/** Whether anybody answers a hello. */
export function hello(
  { way, question, budget }: Pick<ObserveParts, "way" | "question" | "budget">,
  order: HelloOrder,
): Promise<Exchange> {
  const { patienceMs } = question;
  return exchange(way, { ...order, scheme: "https", isHelloOnly: true, patienceMs }, budget);
}

interface PlainOrder {
  readonly name: string;
  readonly path: string;
  readonly source: string | undefined;
}

function plain({ way, question, budget }: ObserveParts, address: string, order: PlainOrder): Promise<Exchange> {
  return exchange(way, { ...order, address, scheme: "http", patienceMs: question.patienceMs }, budget);
}

/** The host's own page, with its certificate. */
export function whole(
  { way, question, budget }: Pick<ObserveParts, "way" | "question" | "budget">,
  { host, path }: ProbedPage,
  place: { readonly address: string; readonly source: string | undefined },
  shape: "classic" | "post-quantum",
): Promise<Exchange> {
  const { patienceMs, authorities } = question;
  const order = { ...place, name: host, path, scheme: "https", shape, patienceMs } as const;
  return exchange(way, authorities === undefined ? order : { ...order, authorities }, budget);
}
