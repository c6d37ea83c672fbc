// How a host is blocked, from what was seen: each finding rests on a test and on the control beside it.
//
//   names        the system's resolver against one that nobody on the way can rewrite, and the harmless name
//   address      the host's address against another one
//   name         the host's name against a harmless one at the same address, and the host's name at another address
//   body         how much comes, how fast, again and again
//   HTTP, QUIC   the same by their own ways
import {
  type AddressSeen,
  BODY_BYTES,
  type End,
  type Exchange,
  type HostSeen,
  isAnswered,
  isConnected,
  isServed,
  type NamesSeen,
  type ProbeFamily,
  RATE_MIN,
} from "./observation.ts";

export type FindingKind =
  | "dns-forged"
  | "dns-silent"
  | "ip-blocked"
  | "port-blocked"
  | "not-reached"
  | "tls-name"
  | "tls-all"
  | "certificate"
  | "frozen"
  | "throttled"
  | "redirect"
  | "http-name"
  | "http-frozen"
  | "http-throttled"
  | "quic-name"
  | "unstable"
  | "no-control"
  | "no-network";

/** Something that is wrong, what shows it, and by which control it is told from what it is not. */
export interface Finding {
  readonly kind: FindingKind;
  /** Absent: of no address in particular. */
  readonly family?: ProbeFamily;
  readonly address?: string;
  /** How it shows. */
  readonly by?: End;
  /** A sentence for people. */
  readonly says: string;
}

export type ProbedKind = "tls" | "http" | "quic" | "dns";

export interface Diagnosis {
  readonly host: string;
  readonly findings: readonly Finding[];
  /** What a strategy is looked for. */
  readonly blocked: readonly ProbedKind[];
  /** After a hit even harmless names fail at the same address: tries disturb each other. */
  readonly hasPenalty: boolean;
  /** The same over QUIC. */
  readonly hasQuicPenalty: boolean;
  /** One line: "open", or the findings in short. */
  readonly summary: string;
}

/** Bodies that end within so many octets of each other were stopped by one rule. */
const FREEZE_SPREAD_BYTES = 6 * 1024;

const SHORT: Readonly<Record<FindingKind, string>> = {
  "dns-forged": "DNS forged",
  "dns-silent": "DNS silent",
  "ip-blocked": "IP blocked",
  "port-blocked": "port blocked",
  "not-reached": "not reached",
  "tls-name": "TLS by name",
  "tls-all": "TLS whatever the name",
  certificate: "foreign certificate",
  frozen: "frozen",
  throttled: "throttled",
  redirect: "redirect page",
  "http-name": "HTTP by name",
  "http-frozen": "HTTP frozen",
  "http-throttled": "HTTP throttled",
  "quic-name": "QUIC by name",
  unstable: "unstable",
  "no-control": "not told",
  "no-network": "no network",
};

const MANNERS: Readonly<Record<End, string>> = {
  done: "answered",
  reset: "RST",
  closed: "closed",
  silent: "silent drop",
  refused: "refused",
  unreachable: "unreachable",
  broken: "something else answered",
  alert: "refused by an alert",
};

/** What is the matter with a host. */
export function diagnose(seen: HostSeen): Diagnosis {
  const reached = seen.addresses.filter(({ isTrusted }) => isTrusted);
  const findings = [...namesFindings(seen), ...reached.flatMap((address) => addressFindings(seen, address))];
  const has = (...kinds: readonly FindingKind[]): boolean => findings.some(({ kind }) => kinds.includes(kind));
  const blocked: readonly ProbedKind[] = [
    ...(has("tls-name", "tls-all", "frozen", "throttled", "unstable", "certificate") ? (["tls"] as const) : []),
    ...(has("redirect", "http-name", "http-frozen", "http-throttled") ? (["http"] as const) : []),
    ...(has("quic-name") ? (["quic"] as const) : []),
    ...(has("dns-forged", "dns-silent") ? (["dns"] as const) : []),
  ];
  const hasPenalty = reached.some(
    ({ harmless, after, wasPunished }) =>
      wasPunished === true || (isAnswered(harmless) && after !== undefined && !isAnswered(after)),
  );
  const hasQuicPenalty = reached.some(
    ({ quicHarmless, quicAfter, quicElsewhere }) =>
      (quicHarmless?.answered ?? 0) > 0 && quicAfter?.answered === 0 && (quicElsewhere?.answered ?? 0) > 0,
  );
  const summary = summaryOf(findings, hasPenalty || hasQuicPenalty);
  return { host: seen.host, findings, blocked, hasPenalty, hasQuicPenalty, summary };
}

function summaryOf(findings: readonly Finding[], hasPenalty: boolean): string {
  if (findings.length === 0) return "open";
  const words = findings.map(({ kind, by }) => (by === undefined ? SHORT[kind] : `${SHORT[kind]} (${MANNERS[by]})`));
  return [...new Set(words), ...(hasPenalty ? ["penalty time"] : [])].join(", ");
}

function namesFindings({ host, system, trusted, systemHarmless, addresses }: HostSeen): readonly Finding[] {
  if (trusted === "silent" || trusted === "none") return [];
  if (system === "silent") {
    if (systemHarmless === "silent") return [];
    return [{ kind: "dns-silent", says: `the system's resolver says nothing of ${host}, and of another name it does` }];
  }
  if (system === "none") {
    return [{ kind: "dns-forged", says: `the system's resolver says that ${host} does not exist, and it does` }];
  }
  // Servers of one host in several places have different addresses: what counts is whether its own server is there.
  // Of a family of which nobody said anything, nothing is known.
  const isComparable = (address: string): boolean =>
    trusted.some((each) => each.includes(":") === address.includes(":"));
  const foreign = system.filter((address) => !trusted.includes(address) && isComparable(address));
  const right = addresses.filter(({ own }) => own.some((exchange) => exchange.certificate === "valid"));
  const wrong = foreign.filter((address) => !right.some((each) => each.address === address) && isToldApart(address));
  function isToldApart(address: string): boolean {
    const there = addresses.find((each) => each.address === address);
    // Where the host's name is cut off, nobody can tell whose server it is.
    return there === undefined || isPrivate(address) || !isAnswered(there.harmless) || there.own.some(isAnswered);
  }
  if (wrong.length === 0) return [];
  return [
    {
      kind: "dns-forged",
      says: `the system's resolver says ${wrong.join(", ")}, where no server of ${host} is; right is ${shown(trusted)}`,
    },
  ];
}

function shown(names: NamesSeen): string {
  return typeof names === "string" ? names : names.join(", ");
}

/** RFC 1918, RFC 6598, RFC 1122 section 3.2.1.3, RFC 3927, RFC 4193, RFC 4291: no public host is there. */
export function isPrivate(address: string): boolean {
  const v4 =
    /^(?:0|10|127)\.|^192\.168\.|^169\.254\.|^172\.(?:1[6-9]|2\d|3[01])\.|^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./u;
  return v4.test(address) || /^(?:::1?$|f[cd]|fe[89ab])/iu.test(address);
}

function addressFindings(seen: HostSeen, address: AddressSeen): readonly Finding[] {
  const { family, address: where } = address;
  const of = (kind: FindingKind, says: string, by?: End): Finding => {
    return { kind, family, address: where, says, ...(by !== undefined && { by }) };
  };
  return [...tcpFindings(seen, address, of), ...httpFindings(seen, address, of), ...quicFindings(seen, address, of)];
}

type Make = (kind: FindingKind, says: string, by?: End) => Finding;

function tcpFindings(seen: HostSeen, address: AddressSeen, of: Make): readonly Finding[] {
  const { own, harmless, nameless } = address;
  const where = address.address;
  const failed = own.filter((exchange) => !isServed(exchange));
  // Behind a hit some boxes open no connection any more: what was hit tells more.
  const first = failed.find(isConnected) ?? failed[0];
  if (first === undefined) return slowFindings(own, of);
  const manner = MANNERS[first.end];
  if (!own.some(isConnected)) {
    if (isConnected(harmless)) return [of("unstable", `connections to ${where} fail now and then`, first.end)];
    return [shutFinding(seen, address, first, of)];
  }
  if (failed.length < own.length) {
    return [of("unstable", `${failed.length} of ${own.length} tries at ${where} failed (${manner})`, first.end)];
  }
  if (first.stage === "hello") {
    if (isAnswered(harmless)) return [of("tls-name", nameSentence(seen, where, manner), first.end)];
    const none = nameless !== undefined && isAnswered(nameless);
    const says = none
      ? `TLS with a name to ${where} fails (${manner}), without one it is answered`
      : `TLS to ${where} fails whatever the name (${manner}), while TCP is answered`;
    return [of("tls-all", says, first.end)];
  }
  return laterFindings(own, first, where, of);
}

/**
 * Nobody opens a connection at the address. It may be blocked; or this machine is being punished for what it did before
 * anybody looked, by a box that keeps its packets to that port for minutes. Only who asked again when that would be
 * over, or as somebody else, knows which.
 */
function shutFinding(seen: HostSeen, address: AddressSeen, { end }: Exchange, of: Make): Finding {
  const { address: where, otherPorts = [], fresh, earlier } = address;
  const others = [seen.elsewhere?.harmless, ...seen.addresses.map((each) => each.harmless)];
  if (!others.some((exchange) => exchange !== undefined && isConnected(exchange))) {
    return of("no-network", `no connection to ${where}, and none to any other address`, end);
  }
  const isLasting = [fresh, earlier].some((exchange) => exchange !== undefined && !isConnected(exchange));
  if (!isLasting) {
    return of("not-reached", `no connection to ${where}: it is blocked, or this machine is being punished`, end);
  }
  // Who refuses everything may be the box; who refuses one port and is silent at the other one is there.
  const isThere = (other: Exchange): boolean => isConnected(other) || (other.end === "refused" && end !== "refused");
  if (otherPorts.some(isThere)) {
    return of("port-blocked", `no connection to port 443 of ${where}, while another port of it answers`, end);
  }
  return of("ip-blocked", `no connection to ${where} whatever the name, while other addresses answer`, end);
}

function nameSentence({ host, elsewhere }: HostSeen, where: string, manner: string): string {
  const there = elsewhere !== undefined && isAnswered(elsewhere.harmless) && !isAnswered(elsewhere.own);
  const more = there ? "; the name fails at another address too" : "";
  return `${manner} behind the hello for ${host} at ${where}, where a harmless name is answered${more}`;
}

/** The handshake is answered; what comes behind it is not right. */
function laterFindings(own: readonly Exchange[], first: Exchange, where: string, of: Make): readonly Finding[] {
  if (first.certificate !== undefined && first.certificate !== "valid") {
    return [of("certificate", `the certificate at ${where} is not the host's: ${first.certificate}`)];
  }
  const bodies = own.map(({ bodyBytes }) => bodyBytes);
  const [least, most] = [Math.min(...bodies), Math.max(...bodies)];
  const isBody = own.every(({ stage }) => stage === "body");
  if (isBody && most - least <= FREEZE_SPREAD_BYTES && most < BODY_BYTES) {
    const again = own.length > 1 ? `, ${own.length} times` : "";
    return [of("frozen", `the body from ${where} stands still after ${kib(least)} to ${kib(most)}${again}`, first.end)];
  }
  if (first.stage === "body" || first.stage === "request") {
    return [of("frozen", `the answer from ${where} stops after ${kib(most)}`, first.end)];
  }
  return [of("unstable", `the answer from ${where} is not whole (${MANNERS[first.end]})`, first.end)];
}

/** Every try is slow: a busy network lets one of them pass. */
function slowFindings(own: readonly Exchange[], of: Make): readonly Finding[] {
  const rates = own.flatMap(({ bytesPerSecond }) => (bytesPerSecond === undefined ? [] : [bytesPerSecond]));
  if (rates.length < own.length || rates.length === 0 || rates.some((rate) => rate >= RATE_MIN)) return [];
  return [of("throttled", `the body comes with ${kib(Math.max(...rates))} a second at most`)];
}

function httpFindings({ host }: HostSeen, seen: AddressSeen, of: Make): readonly Finding[] {
  const { address, own, http, httpHarmless } = seen;
  if (http === undefined || httpHarmless === undefined) return [];
  if (http.end === "done") {
    const isSlow = http.bytesPerSecond !== undefined && http.bytesPerSecond < RATE_MIN;
    // One slow answer says nothing by itself.
    if (isSlow && slowFindings(own, of).length > 0)
      return [of("http-throttled", `plain HTTP from ${address} is as slow`)];
    if (http.location === undefined || isOwnSite(host, http.location)) return [];
    // A server of several hosts sends all of them to the same place.
    if (httpHarmless.location === http.location) return [];
    return [of("redirect", `plain HTTP for ${host} at ${address} is sent to ${http.location}`)];
  }
  if (http.stage === "connect" || httpHarmless.end !== "done") return [];
  const manner = MANNERS[http.end];
  if (http.stage === "body") {
    const says = `the answer from ${address} to plain HTTP for ${host} stops after ${kib(http.bodyBytes)}`;
    return [of("http-frozen", says, http.end)];
  }
  return [
    of("http-name", `${manner} behind the request for ${host} at ${address}, another name is answered`, http.end),
  ];
}

/** The host by TLS, or one below or above it. Redirects within the host were followed: what is left is a circle. */
function isOwnSite(host: string, location: string): boolean {
  const url = URL.parse(location, `http://${host}/`);
  if (url === null) return false;
  const { hostname: there, protocol } = url;
  if (there === host && protocol === "http:") return false;
  const site = host.split(".").slice(-2).join(".");
  return there === host || there === site || there.endsWith(`.${site}`);
}

function quicFindings({ host }: HostSeen, seen: AddressSeen, of: Make): readonly Finding[] {
  const { address, quic, quicHarmless, quicAfter, quicElsewhere } = seen;
  if (quic === undefined || quic.length === 0 || quicHarmless === undefined) return [];
  // A host without QUIC is not blocked there.
  if (quic.some(({ end }) => end === "done") || quicHarmless.answered === 0) return [];
  const [first] = quic;
  // Behind the failure too something has to have been answered, or nobody was given the time.
  if (![quicAfter, quicElsewhere].some((control) => (control?.answered ?? 0) > 0)) {
    return [of("no-control", `QUIC for ${host} to ${address} is not carried on, and no other name is any more`)];
  }
  const says = `QUIC for ${host} to ${address} is not carried on, while a harmless name is answered there`;
  return [of("quic-name", says, first?.end)];
}

function kib(octets: number): string {
  return `${Math.round(octets / 1024)} KiB`;
}
