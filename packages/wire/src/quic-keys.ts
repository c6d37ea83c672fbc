// Protection of QUIC Initial packets: RFC 9001 section 5, and RFC 9369 section 3 for version 2. The keys are no secret:
// they follow from the destination connection id of the client's first Initial, which stands open in its header.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from "node:crypto";
import { checkedField } from "./errors.ts";
import { concat, octetAt, octetsOf, setBe32, setOctet, word } from "./octets.ts";

/** 1: RFC 9000; 2: RFC 9369. */
export type QuicVersion = 1 | 2;
/** Who sent a packet: each side has keys of its own. */
export type QuicSide = "client" | "server";

/** What protects the Initials of one side. */
export interface QuicKeys {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  /** The key of header protection. */
  readonly hp: Uint8Array;
}

interface Secrets {
  readonly salt: Uint8Array;
  readonly label: string;
}

const SECRETS: Readonly<Record<QuicVersion, Secrets>> = {
  1: { salt: Uint8Array.fromHex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), label: "quic" },
  2: { salt: Uint8Array.fromHex("0dede3def700a6db819381be6e269dcbf9bd2ed9"), label: "quicv2" },
};
const SECRET_BYTES = 32;
const KEY_BYTES = 16;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** RFC 9001 section 5.4.2: the sample starts where it would if the packet number took four octets. */
const SAMPLE_BYTES = 16;
const SAMPLE_AFTER_NUMBER = 4;
/** Bits of the first octet that are protected in a long header. */
const PROTECTED_BITS = 0x0f;

/** The keys that follow from the destination connection id of the client's first Initial, or of a Retry. */
export function quicInitialKeys(version: QuicVersion, destinationId: Uint8Array, from: QuicSide = "client"): QuicKeys {
  const { salt, label } = SECRETS[version];
  const info = labelInfo(from === "client" ? "client in" : "server in", SECRET_BYTES);
  const secret = new Uint8Array(hkdfSync("sha256", destinationId, salt, info, SECRET_BYTES));
  return {
    key: expandLabel(secret, `${label} key`, KEY_BYTES),
    iv: expandLabel(secret, `${label} iv`, IV_BYTES),
    hp: expandLabel(secret, `${label} hp`, KEY_BYTES),
  };
}

/** HKDF-Expand-Label (RFC 8446 section 7.1) of at most 32 octets: one block, hence one HMAC (RFC 5869 section 2.3). */
function expandLabel(secret: Uint8Array, label: string, bytes: number): Uint8Array {
  const block = createHmac("sha256", secret)
    .update(concat(labelInfo(label, bytes), 1))
    .digest();
  return new Uint8Array(block).slice(0, bytes);
}

function labelInfo(label: string, bytes: number): Uint8Array {
  const full = octetsOf(`tls13 ${label}`);
  return concat(word(bytes), full.length, full, 0);
}

/**
 * The packet as it goes out. `header` ends with the packet number in `numberBytes` octets, and its length field counts
 * number, payload and the 16 octets of the tag.
 */
export function protectPacket(
  keys: QuicKeys,
  header: Uint8Array,
  numberBytes: number,
  packetNumber: number,
  payload: Uint8Array,
): Uint8Array {
  const cipher = createCipheriv("aes-128-gcm", keys.key, nonceOf(keys, packetNumber));
  cipher.setAAD(header);
  const packet = concat(header, cipher.update(payload), cipher.final(), cipher.getAuthTag());
  turnMask(packet, header.length - numberBytes, numberBytes, maskOf(keys, packet, header.length - numberBytes));
  return packet;
}

/** What lay under the protection. */
export interface OpenedPacket {
  readonly packetNumber: number;
  readonly payload: Uint8Array;
}

/**
 * Undefined: too short, or these are not its keys. `numberAt` is where the packet number starts; `largest` is the
 * largest number seen so far in this connection, -1 for none: a number may come without its high octets.
 */
export function openPacket(
  keys: QuicKeys,
  protectedPacket: Uint8Array,
  numberAt: number,
  largest: number,
): OpenedPacket | undefined {
  if (numberAt + SAMPLE_AFTER_NUMBER + SAMPLE_BYTES > protectedPacket.length) return undefined;
  const packet = new Uint8Array(protectedPacket);
  const mask = maskOf(keys, packet, numberAt);
  const numberBytes = ((octetAt(packet, 0) ^ octetAt(mask, 0)) & 3) + 1;
  turnMask(packet, numberAt, numberBytes, mask);
  const payloadAt = numberAt + numberBytes;
  const packetNumber = wholeNumber(packet.subarray(numberAt, payloadAt), largest);
  if (!Number.isSafeInteger(packetNumber)) return undefined;
  const decipher = createDecipheriv("aes-128-gcm", keys.key, nonceOf(keys, packetNumber));
  decipher.setAAD(packet.subarray(0, payloadAt));
  decipher.setAuthTag(packet.subarray(-TAG_BYTES));
  const payload = decipher.update(packet.subarray(payloadAt, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return { packetNumber, payload: new Uint8Array(payload) };
}

function maskOf(keys: QuicKeys, packet: Uint8Array, numberAt: number): Uint8Array {
  const at = numberAt + SAMPLE_AFTER_NUMBER;
  return createCipheriv("aes-128-ecb", keys.hp, null).update(packet.subarray(at, at + SAMPLE_BYTES));
}

/** Puts the mask on, or takes it off. */
function turnMask(packet: Uint8Array, numberAt: number, numberBytes: number, mask: Uint8Array): void {
  setOctet(packet, 0, octetAt(packet, 0) ^ (octetAt(mask, 0) & PROTECTED_BITS));
  for (let i = 0; i < numberBytes; i += 1) {
    setOctet(packet, numberAt + i, octetAt(packet, numberAt + i) ^ octetAt(mask, 1 + i));
  }
}

function nonceOf(keys: QuicKeys, packetNumber: number): Uint8Array {
  checkedField("packet number", packetNumber, Number.MAX_SAFE_INTEGER);
  const number = new Uint8Array(IV_BYTES);
  setBe32(number, IV_BYTES - 8, Math.floor(packetNumber / 2 ** 32));
  setBe32(number, IV_BYTES - 4, packetNumber % 2 ** 32);
  return number.map((octet, at) => octet ^ octetAt(keys.iv, at));
}

/** RFC 9000 appendix A.3: the number nearest to the one after the largest that ends in these octets. */
function wholeNumber(octets: Uint8Array, largest: number): number {
  const expected = largest + 1;
  const window = 2 ** (8 * octets.length);
  const truncated = octets.reduce((value, octet) => value * 0x100 + octet, 0);
  const candidate = expected - (expected % window) + truncated;
  if (candidate <= expected - window / 2) return candidate + window;
  if (candidate > expected + window / 2 && candidate >= window) return candidate - window;
  return candidate;
}
