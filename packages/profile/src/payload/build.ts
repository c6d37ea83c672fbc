// Payloads to octets.
import { clientHello, httpRequest, quicHello, quicInitial } from "@bunnel/wire";
import { ProfileError } from "../errors.ts";
import type { Payload } from "../notation/content.ts";
import { textHash } from "./text-hash.ts";
import type { SynData } from "../notation/strategy.ts";
import { payloadWords } from "../notation/print-content.ts";
import { shown } from "../wording.ts";
import { drawFrom, type Draw } from "./random.ts";

/** Browsers pad a hello between 256 and 511 octets to 512 (RFC 7685 section 4), plus the record's header. */
const HELLO_BYTES = 517;
const PADDING_EXTENSION_BYTES = 4;
const QUIC_ID_BYTES = 8;
/** RFC 8489 section 5 */
const STUN_BINDING_REQUEST = 0x0001;
const STUN_MAGIC_COOKIE = 0x2112a442;
const STUN_HEADER_BYTES = 20;
const STUN_TRANSACTION_BYTES = 12;
/** What zapret puts on a SYN where nothing else is said. */
const SYN_ZEROS_BYTES = 16;

/** The payloads of a profile by name, as hexadecimal digits. */
export type NamedPayloads = Readonly<Record<string, { readonly hex: string }>>;

/** Everything that octets are made of. */
export interface PayloadSource {
  readonly named: NamedPayloads;
  /** Other seeds give other random octets: decoys that are the same for all would be a mark of their own. */
  readonly seed: number;
}

/**
 * The octets of a payload, 1 to PAYLOAD_MAX_BYTES.
 * @throws ProfileError E_PROFILE when the profile has no payload of that name
 */
export function payloadOctets(payload: Payload | SynData["payload"], { named, seed }: PayloadSource): Uint8Array {
  if (payload.source === "zeros") return new Uint8Array(SYN_ZEROS_BYTES);
  // Each payload has a row of its own, so that its octets do not depend on what else is built.
  const draw = drawFrom(seed ^ textHash(payloadWords(payload).join()));
  switch (payload.source) {
    case "tls":
      return hello(payload.name, draw);
    case "http":
      return httpRequest({ host: payload.name, headers: [["Accept", "*/*"]] });
    case "quic":
      return initial(payload.name, draw);
    case "stun":
      return bindingRequest(draw);
    case "octets":
      return Uint8Array.fromHex(payload.hex);
    case "named": {
      const found = Object.hasOwn(named, payload.name) ? named[payload.name] : undefined;
      if (found) return Uint8Array.fromHex(found.hex);
      const message = `payload: expected one that the profile has, found ${shown(payload.name)}`;
      throw new ProfileError("E_PROFILE", [{ message }], "profile");
    }
  }
}

function hello(serverName: string, draw: Draw): Uint8Array {
  const fields = { serverName, random: draw(32), sessionId: draw(32) };
  const bare = clientHello(fields);
  const isShort = bare.length + PADDING_EXTENSION_BYTES <= HELLO_BYTES;
  return isShort ? clientHello({ ...fields, padToBytes: HELLO_BYTES }) : bare;
}

function initial(serverName: string, draw: Draw): Uint8Array {
  const sourceId = new Uint8Array(0);
  return quicInitial({
    destinationId: draw(QUIC_ID_BYTES),
    sourceId,
    hello: quicHello({ serverName, random: draw(32) }, sourceId),
  });
}

function bindingRequest(draw: Draw): Uint8Array {
  const octets = new Uint8Array(STUN_HEADER_BYTES);
  const view = new DataView(octets.buffer);
  view.setUint16(0, STUN_BINDING_REQUEST);
  view.setUint32(4, STUN_MAGIC_COOKIE);
  octets.set(draw(STUN_TRANSACTION_BYTES), STUN_HEADER_BYTES - STUN_TRANSACTION_BYTES);
  return octets;
}
