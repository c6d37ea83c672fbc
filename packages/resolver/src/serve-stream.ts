// DNS over TCP as a server: several queries on one connection, answered as they are known (RFC 7766 section 6.2.1.1).
import { framed, MessageReader } from "./framing.ts";

/** Queries of one connection that are answered at a time; more wait, and the asker with them. */
const AT_ONCE_MAX = 32;

/** What answers one query; undefined: nothing is said to it. */
export type AnswerQuery = (query: Uint8Array) => Promise<Uint8Array | undefined>;

/**
 * Answers every query in the stream `chunks`, until it ends and the last answer is written. Answers may come in another
 * order than their queries. What `write` returns is waited for before the next answer is written.
 * @throws what `chunks` or `write` threw
 */
export async function serveDnsStream(
  chunks: AsyncIterable<Uint8Array>,
  answer: AnswerQuery,
  write: (octets: Uint8Array) => void | Promise<void>,
): Promise<void> {
  const reader = new MessageReader();
  const underWay = new Set<Promise<void>>();
  let writing: Promise<void> = Promise.resolve();
  const serve = async (query: Uint8Array): Promise<void> => {
    const octets = await answer(query);
    if (octets === undefined) return;
    writing = writing.then(() => write(framed(octets)));
    await writing;
  };
  for await (const chunk of chunks) {
    for (const query of reader.push(chunk)) {
      if (underWay.size >= AT_ONCE_MAX) await Promise.race(underWay);
      const one = serve(query).finally(() => underWay.delete(one));
      // It is waited for below; until then a failure is not unheard of.
      one.catch(() => undefined);
      underWay.add(one);
    }
  }
  await Promise.all(underWay);
}
