// The name that a DNS query asks for: RFC 1035 sections 4.1.1 and 4.1.2.

const HEADER_BYTES = 12;
const LABEL_MAX_BYTES = 63;
const NAME_MAX_BYTES = 253;

/** The name of the first question, without a dot at its end; undefined where there is none that can be read. */
export function readQueryName(datagram: Uint8Array): string | undefined {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let bytes = 0; bytes <= NAME_MAX_BYTES;) {
    const length = datagram[at];
    // A pointer has nothing to point to in a first question.
    if (length === undefined || length > LABEL_MAX_BYTES || at + 1 + length > datagram.length) return undefined;
    if (length === 0) return labels.length === 0 ? undefined : labels.join(".");
    labels.push(String.fromCharCode(...datagram.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
    bytes += 1 + length;
  }
  return undefined;
}
