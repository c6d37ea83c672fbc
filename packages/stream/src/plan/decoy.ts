// What a fake carries: as many octets as the message has, so that each piece can be sent as a piece of the fake first.
import { payloadOctets, type Decoy, type PayloadSource } from "@bunnel/profile";
import type { StreamMessage } from "../message/first-message.ts";
import type { Edited } from "./edits.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** The octets of the decoy for a message as it was edited. */
export function decoyOctets(decoy: Decoy, message: StreamMessage, edited: Edited, source: PayloadSource): Uint8Array {
  const { octets } = edited;
  switch (decoy.content) {
    case "zeros":
      return new Uint8Array(octets.length);
    case "random":
      return crypto.getRandomValues(new Uint8Array(octets.length));
    case "name":
      return withName(message, edited, fitted(decoy.name, message.hostBytes));
    case "random name":
      return withName(message, edited, fitted("", message.hostBytes));
    case "payload": {
      const payload = payloadOctets(decoy.payload, source);
      return Uint8Array.from(octets, (_, index) => payload[index % payload.length] ?? 0);
    }
  }
}

/** The message with another name of the same length in the same places. */
function withName({ hostOffset, hostBytes }: StreamMessage, edited: Edited, name: string): Uint8Array {
  const decoy = edited.octets.slice();
  if (hostOffset === 0) return decoy.fill(0);
  for (let index = 0; index < hostBytes; index += 1) {
    // The place of an octet is the one before the next octet's: what was put in between stays.
    decoy[edited.placeOf(hostOffset + index + 1) - 1] = name.charCodeAt(index);
  }
  return decoy;
}

/** Cut at the front, or with random letters as a further label there. */
function fitted(name: string, bytes: number): string {
  if (name.length >= bytes) return name.slice(name.length - bytes);
  const letters = crypto.getRandomValues(new Uint8Array(bytes - name.length));
  const front = [...letters].map((random) => LETTERS[random % LETTERS.length] ?? "a");
  if (name !== "" && front.length > 1) front[front.length - 1] = ".";
  return front.join("") + name;
}
