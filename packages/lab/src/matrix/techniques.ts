// The rows of the evasion table: strategies in the notation, by the names that their users know. Decoys that live by
// their hop limit pass the box and end before the server.
import { LINK_HOPS_AFTER, LINK_HOPS_BEFORE } from "../link/link.ts";

export interface NamedStrategy {
  readonly name: string;
  /** In the notation of @bunnel/profile; undefined: the engine does nothing. */
  readonly strategy?: string;
}

/** Passes the box of a simulated path and ends before its server. */
export const SIMULATED_DECOY_TTL: number = LINK_HOPS_BEFORE + LINK_HOPS_AFTER - 1;

/** A technique for TLS and HTTP alike; `{…}` is what differs: first for TLS, then for HTTP. */
function both(name: string, pattern: string): NamedStrategy {
  const pick = (which: 0 | 1) =>
    pattern.replace(/\{([^|}]*)\|([^}]*)\}/g, (_, ...parts: string[]) => parts[which] ?? "");
  return { name, strategy: `tls: ${pick(0)}  http: ${pick(1)}` };
}

const DECOY = "{sni|host}=www.example.org";
const CUT = "split({1|method+2}, midsld)";

/** All rows, from nothing at all to whole sets of peers. */
export function namedStrategies(ttl: number = SIMULATED_DECOY_TTL): readonly NamedStrategy[] {
  return [
    { name: "(nothing)" },
    both("split first octets", "split({1|method+2})"),
    both("split in the name", CUT),
    both("many pieces", "split({1|method+2}, host+1, host+3, sld+1, midsld, endsld, endhost, -1)"),
    both("disorder", `${CUT} disorder`),
    both("fake ttl", `fake(${DECOY}, ttl=${ttl})`),
    both("fake badsum", `fake(${DECOY}, badsum)`),
    both("fake badseq", `fake(${DECOY}, badseq)`),
    both("fake md5sig", `fake(${DECOY}, md5sig)`),
    both("fake ts", `fake(${DECOY}, ts)`),
    both("fake datanoack", `fake(${DECOY}, datanoack)`),
    both("fake dataofs", `fake(${DECOY}, dataofs)`),
    both("fake zeros ttl", `fake(zeros, ttl=${ttl})`),
    both("fake behind", `fake(${DECOY}, ttl=${ttl}, after)`),
    both("fake ttl + split", `fake(${DECOY}, ttl=${ttl}) ${CUT}`),
    both("fake ttl + disorder", `fake(${DECOY}, ttl=${ttl}) ${CUT} disorder`),
    both("fake ts + disorder", `fake(${DECOY}, ts) ${CUT} disorder`),
    both("fakedsplit ttl", `fakedsplit(midsld, ttl=${ttl})`),
    both("fakeddisorder ts", "fakeddisorder(midsld, ts)"),
    both("hostfakesplit ttl", `hostfakesplit(host=www.example.org, ttl=${ttl})`),
    both("hostfakesplit midhost", `hostfakesplit(host=www.example.org, midhost, ttl=${ttl})`),
    both("seqovl first piece", `${CUT} seqovl(64, pattern={tls|http})`),
    both("seqovl second piece", "split(midsld) seqovl(midsld-1, second, pattern={tls|http}) disorder"),
    both("rst ttl", `rst(ttl=${ttl})`),
    both("rst,ack badsum", "rst(ack, badsum)"),
    both("rst ttl + split", `rst(ttl=${ttl}) ${CUT}`),
    both("ip fragments", "ipfrag({152|56})"),
    both("dup", "dup(x2)"),
    { name: "tls records", strategy: "tls: tlsrec(midsld)" },
    { name: "tls records + split", strategy: "tls: tlsrec(midsld) split(midsld)" },
    both("urgent octet", "oob(midsld)"),
    { name: "http case", strategy: "http: httphost(case)" },
    { name: "http mixed + domain case", strategy: "http: httphost(mixed, domcase)" },
    { name: "http unix lines", strategy: "http: httphost(unixeol)" },
    { name: "http padding", strategy: "http: hostpad(2000)" },
    { name: "http dot", strategy: "http: hostdot" },
    { name: "http tab", strategy: "http: hosttab" },
    { name: "http method space", strategy: "http: methodspace" },
    { name: "http empty line", strategy: "http: methodeol" },
    { name: "syn data", strategy: "syn: syndata(zeros)" },
    { name: "syn data, a hello", strategy: "syn: syndata(tls, sni=www.example.org)" },
    { name: "syn,ack first", strategy: "syn: synack(badsum)" },
    { name: "quic fake zeros", strategy: "quic: fake(zeros)" },
    { name: "quic fake initial", strategy: "quic: fake(quic, sni=www.example.org)" },
    { name: "quic longer", strategy: "quic: udplen(+8)" },
    { name: "quic ip fragments", strategy: "quic: ipfrag(8)" },
    { name: "quic drop", strategy: "quic: drop" },
    { name: "dns fake", strategy: "dns: fake(random)" },
    { name: "dns ip fragments", strategy: "dns: ipfrag(8)" },
  ];
}
