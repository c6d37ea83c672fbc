// A host's addresses, for whoever has a name and no query.
import { decode, encode, type RecordType } from "dns-packet";
import { UpstreamError } from "./errors.ts";
import type { AnswerQuery } from "./serve-stream.ts";

const RECURSION_DESIRED = 0x0100;
const TYPES = ["AAAA", "A"] as const satisfies readonly RecordType[];

/**
 * The addresses of a host, those of IPv6 first; none: there is no such host, or it has none.
 * @param answer answers a query, as `Resolver.answer` does
 * @throws UpstreamError E_ANSWER when it could not be found out
 */
export async function lookUp(answer: AnswerQuery, host: string): Promise<string[]> {
  const found = await Promise.all(TYPES.map((type) => ask(answer, host, type)));
  const known = found.filter((addresses) => addresses !== undefined);
  if (known.length > 0) return known.flat();
  throw new UpstreamError("E_ANSWER", `addresses of ${host}: expected an answer, found failures alone`);
}

/** Undefined: it failed. */
async function ask(answer: AnswerQuery, name: string, type: "A" | "AAAA"): Promise<string[] | undefined> {
  const query = encode({ type: "query", id: 0, flags: RECURSION_DESIRED, questions: [{ name, type }] });
  const octets = await answer(new Uint8Array(query));
  if (octets === undefined) return undefined;
  const { answers = [], ...header } = decode(Buffer.from(octets));
  // The library's types leave the rcode out, which its messages have.
  const rcode = "rcode" in header ? header.rcode : "SERVFAIL";
  if (rcode !== "NOERROR" && rcode !== "NXDOMAIN") return undefined;
  return answers.flatMap((record) => (record.type === type ? [record.data] : []));
}
