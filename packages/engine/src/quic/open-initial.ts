// Takes the protection off an Initial: header protection (RFC 9001 section 5.4), then AEAD_AES_128_GCM (section 5.3).
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { InitialKeys } from "./initial-keys.ts";
import type { LongPacket } from "./long-packet.ts";

const TAG_BYTES = 16;
const SAMPLE_BYTES = 16;
/** The sample starts where it would if the packet number took four octets. */
const SAMPLE_AFTER_NUMBER = 4;
/** Bits of the first octet that are protected in a long header. */
const PROTECTED_BITS = 0x0f;

export interface OpenedInitial {
  readonly packetNumber: number;
  /** The frames. */
  readonly payload: Uint8Array;
}

/**
 * Undefined: too short, or protected with other keys. `largest` is the largest packet number that the connection has
 * shown, -1 for none. The datagram stays as it is.
 */
export function openInitial(
  datagram: Uint8Array,
  packet: LongPacket,
  keys: InitialKeys,
  largest: number,
): OpenedInitial | undefined {
  const { start, numberAt, end } = packet;
  const sampleAt = numberAt + SAMPLE_AFTER_NUMBER;
  if (sampleAt + SAMPLE_BYTES > end) return undefined;
  const sample = datagram.subarray(sampleAt, sampleAt + SAMPLE_BYTES);
  const mask = createCipheriv("aes-128-ecb", keys.hp, null).update(sample);
  const first = (datagram[start] ?? 0) ^ ((mask[0] ?? 0) & PROTECTED_BITS);
  const numberBytes = (first & 3) + 1;
  const payloadAt = numberAt + numberBytes;
  const header = datagram.slice(start, payloadAt);
  header[0] = first;
  let truncated = 0;
  for (let i = 0; i < numberBytes; i++) {
    const octet = (datagram[numberAt + i] ?? 0) ^ (mask[1 + i] ?? 0);
    header[numberAt - start + i] = octet;
    truncated = truncated * 0x100 + octet;
  }
  const packetNumber = wholeNumber(truncated, numberBytes, largest);
  const decipher = createDecipheriv("aes-128-gcm", keys.key, nonceOf(keys.iv, packetNumber));
  decipher.setAAD(header);
  decipher.setAuthTag(datagram.subarray(end - TAG_BYTES, end));
  const payload = decipher.update(datagram.subarray(payloadAt, end - TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return { packetNumber, payload };
}

/** RFC 9000 appendix A.3: the number nearest to the one after the largest that ends in these octets. */
function wholeNumber(truncated: number, bytes: number, largest: number): number {
  const expected = largest + 1;
  const window = 2 ** (8 * bytes);
  const candidate = expected - (expected % window) + truncated;
  if (candidate <= expected - window / 2) return candidate + window;
  if (candidate > expected + window / 2 && candidate >= window) return candidate - window;
  return candidate;
}

/** The vector with the packet number in its last eight octets added. */
function nonceOf(iv: Uint8Array, packetNumber: number): Uint8Array {
  const nonce = iv.slice();
  let rest = packetNumber;
  for (let at = nonce.length - 1; rest > 0; at--) {
    nonce[at] = (nonce[at] ?? 0) ^ (rest % 0x100);
    rest = Math.floor(rest / 0x100);
  }
  return nonce;
}
