// Where an HTTP request ends and the next begins (RFC 9112 section 6): the length of its content, or its chunks.

/** What follows a request's head before the next one. */
export type Framing =
  /** So many octets. */
  | { readonly form: "length"; readonly bytes: number }
  /** Chunks (RFC 9112 section 7.1). */
  | { readonly form: "chunked" }
  /** Nobody can tell: the rest of the stream is no requests any more, or broken. */
  | { readonly form: "unknown" };

/** A chunk's line, or a trailer's; more is no chunk. */
export const CHUNK_LINE_MAX_BYTES = 4096;
const LINE_FEED = 10;
const decoder = new TextDecoder("latin1");

/** What the head of a request says about what follows it. */
export function framingOf(head: Uint8Array): Framing {
  const text = decoder.decode(head);
  if (text.startsWith("CONNECT ") || /\nupgrade[ \t]*:/i.test(text)) return { form: "unknown" };
  const coding = /\ntransfer-encoding[ \t]*:[ \t]*([^\r\n]*)/i.exec(text)?.[1];
  if (coding !== undefined) return { form: /(?:^|,)[ \t]*chunked[ \t]*$/i.test(coding) ? "chunked" : "unknown" };
  const lengths = new Set(
    [...text.matchAll(/\ncontent-length[ \t]*:[ \t]*([^\r\n]*)/gi)].map(([, value = ""]) => value),
  );
  if (lengths.size === 0) return { form: "length", bytes: 0 };
  const [length = ""] = lengths;
  const isLength = lengths.size === 1 && /^\d{1,15}[ \t]*$/.test(length);
  return isLength ? { form: "length", bytes: Number(length) } : { form: "unknown" };
}

/** What stands at the start of the octets within a chunked content. */
export type ChunkPart =
  /** A chunk's line of `lineBytes`, and `bytes` octets of chunk and line end behind it; the last chunk has none. */
  | { readonly part: "chunk"; readonly lineBytes: number; readonly bytes: number; readonly isLast: boolean }
  | { readonly part: "more" }
  | { readonly part: "broken" };

export function readChunk(octets: Uint8Array): ChunkPart {
  const end = octets.indexOf(LINE_FEED);
  if (end < 0) return { part: octets.length < CHUNK_LINE_MAX_BYTES ? "more" : "broken" };
  const size = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?\r?\n$/i.exec(decoder.decode(octets.subarray(0, end + 1)))?.[1];
  if (size === undefined) return { part: "broken" };
  const bytes = Number.parseInt(size, 16);
  return { part: "chunk", lineBytes: end + 1, bytes: bytes === 0 ? 0 : bytes + 2, isLast: bytes === 0 };
}

/** Octets of the trailer behind the last chunk's line, its empty line included; -1: it is not all there. */
export function trailerBytes(octets: Uint8Array): number {
  let at = 0;
  for (;;) {
    const end = octets.indexOf(LINE_FEED, at);
    if (end < 0) return -1;
    if (end === at || (end === at + 1 && octets[at] === 13)) return end + 1;
    at = end + 1;
  }
}
