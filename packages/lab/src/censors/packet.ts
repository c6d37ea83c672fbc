// C1: a plain string match on single packets, as a firewall rule makes it.
import { decodePacket } from "@bunnel/wire";
import { latin1 } from "../octets.ts";
import { readSegment } from "../tcp/segment.ts";
import { BlockedNames } from "./blocked-names.ts";
import type { Censor, CensorOptions, Judgement } from "./censor.ts";
import { FORWARD } from "./censor.ts";
import { react } from "./reaction.ts";

/**
 * Looks for the listed names as plain octets, in any case, anywhere in the payload of each outbound packet of any
 * protocol. Names that merely contain a listed one match too. It remembers nothing, so a packet without the name
 * passes even after one with it was dropped. What is no TCP segment is dropped without a RST.
 */
export function packetCensor(options: CensorOptions): Censor {
  const names = new BlockedNames(options.blocked).names;
  return {
    name: "packet",
    says: "The box has no memory: it looks for the name in each single packet.",
    reset() {},
    judge(packet, direction): Judgement {
      if (direction === "inbound") return FORWARD;
      const text = latin1(decodePacket(packet).payload).toLowerCase();
      const matched = names.find((name) => text.includes(name));
      if (matched === undefined) return FORWARD;
      const segment = readSegment(packet);
      return segment === undefined ? { forward: false, matched } : react(options.reaction ?? "drop", matched, segment);
    },
  };
}
