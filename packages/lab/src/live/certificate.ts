// A self-signed certificate (RFC 5280) made at run time, so that neither a key lies in the repository nor an openssl
// program must be at hand. Only what a test server needs: one P-256 key, names in subjectAltName, valid for a week.
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

export interface Certificate {
  /** PEM; also the authority that a client has to trust. */
  readonly certificate: string;
  /** PEM, PKCS #8 */
  readonly key: string;
}

const DAY_MS = 86_400_000;
const VALID_DAYS = 7;

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const BOOLEAN_TRUE = Uint8Array.of(0x01, 0x01, 0xff);
/** [0] and [3] of TBSCertificate, [2] dNSName of GeneralName */
const VERSION_TAG = 0xa0;
const EXTENSIONS_TAG = 0xa3;
const DNS_NAME_TAG = 0x82;

// Object identifiers as they stand in DER, without tag and length.
const ECDSA_WITH_SHA256 = Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02);
const COMMON_NAME = Uint8Array.of(0x55, 0x04, 0x03);
const BASIC_CONSTRAINTS = Uint8Array.of(0x55, 0x1d, 0x13);
const SUBJECT_ALT_NAME = Uint8Array.of(0x55, 0x1d, 0x11);

/** Makes a key and a certificate for these host names. */
export function makeCertificate(names: readonly string[]): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const signed = toBeSigned(names, new Uint8Array(publicKey.export({ type: "spki", format: "der" })));
  const signature = new Uint8Array(sign("sha256", signed, privateKey));
  const der = element(SEQUENCE, signed, signatureAlgorithm(), element(BIT_STRING, Uint8Array.of(0), signature));
  return {
    certificate: pem("CERTIFICATE", der),
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

function toBeSigned(names: readonly string[], publicKeyInfo: Uint8Array): Uint8Array {
  const serial = new Uint8Array(randomBytes(16));
  // The first bit must be clear (a positive number) and the first octet not zero (no needless octet).
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const name = distinguishedName("bunnel lab");
  const now = Date.now();
  const validity = element(SEQUENCE, time(now - DAY_MS), time(now + VALID_DAYS * DAY_MS));
  return element(
    SEQUENCE,
    element(VERSION_TAG, element(INTEGER, Uint8Array.of(2))),
    element(INTEGER, serial),
    signatureAlgorithm(),
    name,
    validity,
    name,
    publicKeyInfo,
    element(EXTENSIONS_TAG, element(SEQUENCE, basicConstraints(), subjectAltName(names))),
  );
}

function signatureAlgorithm(): Uint8Array {
  return element(SEQUENCE, element(OBJECT_ID, ECDSA_WITH_SHA256));
}

function distinguishedName(commonName: string): Uint8Array {
  const value = element(UTF8_STRING, new TextEncoder().encode(commonName));
  return element(SEQUENCE, element(SET, element(SEQUENCE, element(OBJECT_ID, COMMON_NAME), value)));
}

function basicConstraints(): Uint8Array {
  const authority = element(SEQUENCE, BOOLEAN_TRUE);
  return element(SEQUENCE, element(OBJECT_ID, BASIC_CONSTRAINTS), BOOLEAN_TRUE, element(OCTET_STRING, authority));
}

function subjectAltName(names: readonly string[]): Uint8Array {
  const entries = names.map((name) => element(DNS_NAME_TAG, new TextEncoder().encode(name)));
  const value = element(OCTET_STRING, element(SEQUENCE, ...entries));
  return element(SEQUENCE, element(OBJECT_ID, SUBJECT_ALT_NAME), value);
}

/** "261121051500Z" (RFC 5280 section 4.1.2.5.1: up to 2049 the year has two digits) */
function time(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().slice(2, 19).replaceAll(/[-:T]/g, "");
  return element(UTC_TIME, new TextEncoder().encode(`${digits}Z`));
}

/** Tag, length, content (X.690 section 8.1). */
function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = Uint8Array.from([tag, ...lengthOctets(size), ...parts.flatMap((part) => [...part])]);
  return bytes;
}

function lengthOctets(size: number): number[] {
  if (size < 0x80) return [size];
  if (size < 0x100) return [0x81, size];
  return [0x82, size >> 8, size & 0xff];
}

function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
