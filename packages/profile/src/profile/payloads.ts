// The payloads of a profile: those in its `[payload]`, and files that strategies name.
import { PAYLOAD_MAX_BYTES } from "@bunnel/abi";
import { readClientHello } from "@bunnel/wire";
import { Fault } from "../errors.ts";
import { CONTENT_WORDS, HEX_PREFIX, readHex } from "../notation/check-content.ts";
import type { Payload } from "../notation/content.ts";
import type { Operation, Strategy } from "../notation/strategy.ts";
import { anyOf, shown, suggestion } from "../wording.ts";
import type { Files } from "./files.ts";
import type { PayloadEntry } from "./profile.ts";

const FILE_PREFIX = "file:";
/** One word of the notation. */
const NAME = /^[^\s(),=;]{1,255}$/;

/** A payload's name, or why strategies could not say it. */
export function readPayloadKey(name: string): string | Fault {
  if (CONTENT_WORDS.includes(name) || name.startsWith(HEX_PREFIX)) {
    return new Fault(`expected a name without a meaning, found ${shown(name)}`);
  }
  if (NAME.test(name)) return name;
  return new Fault(`expected a name of 1 to 255 characters without blanks and ( ) , = ;, found ${shown(name)}`);
}

/** `hex:1603…` or `file:hello.bin`. */
export function readPayloadValue(value: unknown, files: Files): PayloadEntry | Fault {
  if (typeof value === "string" && value.startsWith(HEX_PREFIX)) {
    const hex = readHex(value.slice(HEX_PREFIX.length).replace(/\s+/g, ""));
    return hex instanceof Fault ? hex : { text: HEX_PREFIX + hex, hex };
  }
  if (typeof value !== "string" || !value.startsWith(FILE_PREFIX)) {
    return new Fault(
      `expected ${shown(`${HEX_PREFIX}1603…`)} or ${shown(`${FILE_PREFIX}path`)}, found ${shown(value)}`,
    );
  }
  return readPayloadFile(value.slice(FILE_PREFIX.length), files);
}

function readPayloadFile(path: string, files: Files): PayloadEntry | Fault {
  const octets = files.octets(path);
  if (octets instanceof Fault) return octets;
  if (octets.length >= 1 && octets.length <= PAYLOAD_MAX_BYTES)
    return { text: FILE_PREFIX + path, hex: octets.toHex() };
  return new Fault(`expected 1 to ${PAYLOAD_MAX_BYTES} octets, found ${octets.length} in ${shown(path)}`);
}

/** Something wrong with a payload that a strategy names. */
export interface PayloadFault {
  /** The word that the strategy names it by. */
  readonly name: string;
  readonly text: string;
}

/**
 * Finds what a strategy names; a name that stands in no `[payload]` and looks like a path is the path of a file, and is
 * added to the payloads under it.
 */
export function findPayloads(
  strategy: Strategy,
  payloads: Map<string, PayloadEntry>,
  files: Files,
): readonly PayloadFault[] {
  const faults: PayloadFault[] = [];
  for (const operation of strategy.clauses.flatMap(({ operations }) => operations)) {
    const payload = payloadOf(operation);
    const hex = payload && hexOf(payload, payloads, files);
    if (hex === undefined) continue;
    const name = payload?.source === "named" ? payload.name : HEX_PREFIX;
    if (hex instanceof Fault) faults.push({ name, text: hex.text });
    else if (changeOf(operation) && !readClientHello(Uint8Array.fromHex(hex))) {
      const text = `${changeOf(operation)}: expected a payload that is a TLS hello, found ${shown(name)}`;
      faults.push({ name, text });
    }
  }
  return faults;
}

/** The octets of a payload that is not built. */
function hexOf(payload: Payload, payloads: Map<string, PayloadEntry>, files: Files): string | Fault | undefined {
  if (payload.source === "octets") return payload.hex;
  if (payload.source !== "named") return undefined;
  const known = payloads.get(payload.name);
  if (known) return known.hex;
  if (!/[./\\]/.test(payload.name)) return unknownPayload(payload.name, [...payloads.keys()]);
  const loaded = readPayloadFile(payload.name, files);
  if (loaded instanceof Fault) return loaded;
  payloads.set(payload.name, loaded);
  return loaded.hex;
}

function unknownPayload(name: string, known: readonly string[]): Fault {
  const expected = anyOf([...known, "the path of a file"]);
  return new Fault(`payload: expected ${expected}, found ${shown(name)}${suggestion(name, known)}`);
}

function payloadOf(operation: Operation): Payload | undefined {
  if (operation.technique === "syndata") return operation.payload.source === "zeros" ? undefined : operation.payload;
  const content = operation.technique === "fake" ? operation.decoy : "pattern" in operation && operation.pattern;
  return content && content.content === "payload" ? content.payload : undefined;
}

/** The first word that changes a fake's hello. */
function changeOf(operation: Operation): string | undefined {
  if (operation.technique !== "fake" || operation.decoy.content !== "payload") return undefined;
  const { decoy } = operation;
  return (["rndsni", "dupsid", "padencap"] as const).find((word) => decoy[word]);
}
