// The keys of a client's Initials: RFC 9001 section 5.2, RFC 9369 section 3.3. They follow from what stands open in the
// first one's header, so that anybody on the path can open them.
import { createHmac, hkdfSync } from "node:crypto";

/** What the versions differ in. */
export interface QuicVersion {
  /** As it stands in the header. */
  readonly number: number;
  readonly initialType: number;
  readonly retryType: number;
  readonly salt: Uint8Array;
  readonly keyInfo: Uint8Array;
  readonly ivInfo: Uint8Array;
  readonly hpInfo: Uint8Array;
}

export interface InitialKeys {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  /** The key of header protection. */
  readonly hp: Uint8Array;
}

const SECRET_BYTES = 32;
const KEY_BYTES = 16;
const IV_BYTES = 12;
/** The counter of HKDF-Expand's only block. */
const FIRST_BLOCK = Uint8Array.of(1);
const CLIENT_INFO = labelInfo("client in", SECRET_BYTES);

/** RFC 9000 and RFC 9369. */
export const QUIC_VERSIONS: readonly QuicVersion[] = [
  version(0x00000001, 0, 3, "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", "quic"),
  version(0x6b3343cf, 1, 0, "0dede3def700a6db819381be6e269dcbf9bd2ed9", "quicv2"),
];

/** The keys for a connection whose client sent its first Initial to this id. */
export function initialKeys({ salt, keyInfo, ivInfo, hpInfo }: QuicVersion, destinationId: Uint8Array): InitialKeys {
  const secret = new Uint8Array(hkdfSync("sha256", destinationId, salt, CLIENT_INFO, SECRET_BYTES));
  return {
    key: expand(secret, keyInfo, KEY_BYTES),
    iv: expand(secret, ivInfo, IV_BYTES),
    hp: expand(secret, hpInfo, KEY_BYTES),
  };
}

/** HKDF-Expand of at most 32 octets: one block, hence one HMAC (RFC 5869 section 2.3). */
function expand(secret: Uint8Array, info: Uint8Array, bytes: number): Uint8Array {
  const block = createHmac("sha256", secret).update(info).update(FIRST_BLOCK).digest();
  return new Uint8Array(block).subarray(0, bytes);
}

/** The HkdfLabel of RFC 8446 section 7.1, with an empty context. */
function labelInfo(label: string, bytes: number): Uint8Array {
  const full = new TextEncoder().encode(`tls13 ${label}`);
  return Uint8Array.of(0, bytes, full.length, ...full, 0);
}

function version(number: number, initialType: number, retryType: number, salt: string, label: string): QuicVersion {
  return {
    number,
    initialType,
    retryType,
    salt: Uint8Array.fromHex(salt),
    keyInfo: labelInfo(`${label} key`, KEY_BYTES),
    ivInfo: labelInfo(`${label} iv`, IV_BYTES),
    hpInfo: labelInfo(`${label} hp`, KEY_BYTES),
  };
}
