// The smallest honest name server (RFC 1035): one question, one answer.

const HEADER_BYTES = 12;
const QTYPE_A = 1;
const QTYPE_AAAA = 28;
const FLAG_RESPONSE = 0x80;
const FLAG_AUTHORITATIVE = 0x04;
const TTL_SECONDS = 60;

/** The answer to a query for an address; undefined when it cannot be read. Other types get an empty answer. */
export function answerQuery(query: Uint8Array, addresses: { v4: string; v6: string }): Uint8Array | undefined {
  const end = questionEnd(query);
  if (end === undefined) return undefined;
  const type = ((query[end - 4] ?? 0) << 8) | (query[end - 3] ?? 0);
  const data = type === QTYPE_A ? octets4(addresses.v4) : type === QTYPE_AAAA ? octets6(addresses.v6) : [];
  const header = Uint8Array.from(query.subarray(0, HEADER_BYTES));
  header[2] = FLAG_RESPONSE | FLAG_AUTHORITATIVE | ((header[2] ?? 0) & 0x01);
  header[3] = 0;
  header.set([0, 1, 0, data.length === 0 ? 0 : 1, 0, 0, 0, 0], 4);
  const answer = [...header, ...query.subarray(HEADER_BYTES, end)];
  if (data.length > 0) {
    // The name is a pointer to the question's (section 4.1.4).
    answer.push(0xc0, HEADER_BYTES, 0, type, 0, 1, 0, 0, 0, TTL_SECONDS, 0, data.length, ...data);
  }
  return Uint8Array.from(answer);
}

function questionEnd(query: Uint8Array): number | undefined {
  let at = HEADER_BYTES;
  for (;;) {
    const size = query[at];
    if (size === undefined || size > 63) return undefined;
    at += 1 + size;
    if (size === 0) break;
  }
  return at + 4 <= query.length ? at + 4 : undefined;
}

function octets4(address: string): number[] {
  return address.split(".").map(Number);
}

function octets6(address: string): number[] {
  const [left = "", right = ""] = address.split("::");
  const words = (text: string) => (text === "" ? [] : text.split(":").map((word) => Number.parseInt(word, 16)));
  const [head, tail] = [words(left), words(right)];
  const all = [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
  return all.flatMap((word) => [word >> 8, word & 0xff]);
}
