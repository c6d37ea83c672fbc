// Who can carry a technique out: the packet engine, or sockets. The one place that decides it.
import type { Fake, Operation, PacketOperation, Strategy } from "./strategy.ts";
import { isStreamKind, type Kind } from "./kinds.ts";
import { isStreamTechnique } from "./techniques.ts";

/** The words of `egress`. */
export const EGRESSES = ["auto", "packet", "stream"] as const;
/**
 * How the TCP flows of a rule leave. "packet": the applications' own packets, rewritten; "stream": by sockets of ours
 * that carry their octets on; "auto": as the strategy needs it, packets where both can.
 */
export type Egress = (typeof EGRESSES)[number];

/** What of a stream rule's traffic leaves by sockets. */
export const CARRIES = ["tcp", "udp", "icmp"] as const;
/** "tcp": flows that may begin with a message of the strategy; "udp": each datagram; "icmp": echo requests. */
export type Carries = (typeof CARRIES)[number];

/** Whether the packet engine can carry it out. */
export function isPacketOperation(operation: Operation): operation is PacketOperation {
  return !isStreamTechnique(operation.technique);
}

/** Why packets cannot carry it out: the end of a sentence. Undefined: they can. */
export function packetRefusal(operation: Operation): string | undefined {
  return isPacketOperation(operation) ? undefined : "changes how many octets the stream has";
}

/** Why sockets cannot carry it out for a kind of message. Undefined: they can. */
export function socketRefusal(kind: Kind, operation: Operation): string | undefined {
  if (!isStreamKind(kind)) return "needs packets: sockets carry out strategies for tls and http alone";
  switch (operation.technique) {
    case "fake":
      return fakeRefusal(operation);
    case "seqovl":
    case "fakedsplit":
    case "hostfakesplit":
      return "needs packets: a socket sends no octet of its stream twice";
    case "rst":
    case "synack":
    case "syndata":
    case "window":
    case "mss":
    case "ipfrag":
    case "udplen":
    case "ipid":
    case "dup":
    case "ttl":
    case "tos":
    case "doh":
    case "redirect":
      return "needs packets: a socket's headers are the system's";
    case "split":
    case "disorder":
    case "delay":
    case "drop":
    case "httphost":
    case "tlsrec":
    case "oob":
    case "hostpad":
    case "hostdot":
    case "hosttab":
    case "methodspace":
    case "methodeol":
      return undefined;
  }
}

/** A socket sends a decoy in the place of the message, with a hop limit, and the system sends the message behind it. */
function fakeRefusal({ foolings, repeats, after, decoy }: Fake): string | undefined {
  const others = Object.keys(foolings).filter((word) => word !== "ttl" && word !== "autoTtl");
  if (others.length > 0) return `with ${others.join(", ")} needs packets: a socket's fake has a hop limit alone`;
  if (foolings.ttl === undefined) return "without a ttl=N needs packets: a socket does not learn the distance";
  if (repeats > 1) return `with x${repeats} needs packets: a socket sends one fake of a piece`;
  if (after) return "with after needs packets: a socket's fake is sent before the message";
  if (decoy.content === "payload" && (decoy.rndsni || decoy.dupsid || decoy.padencap)) {
    return "with changes to a hello needs packets";
  }
  return undefined;
}

/** An operation that keeps a strategy from an egress, and why. */
export interface EgressRefusal {
  readonly kind: Kind;
  readonly operation: Operation;
  readonly why: string;
}

/** What keeps a strategy from leaving so. Only clauses for tls and http choose: the others are for packets alone. */
export function egressRefusals(strategy: Strategy, egress: "packet" | "stream"): readonly EgressRefusal[] {
  return strategy.clauses
    .filter(({ kind }) => isStreamKind(kind))
    .flatMap(({ kind, operations }) =>
      operations.flatMap((operation) => {
        const why = egress === "packet" ? packetRefusal(operation) : socketRefusal(kind, operation);
        return why === undefined ? [] : [{ kind, operation, why }];
      }),
    );
}

/** How the TCP flows of a rule leave: "auto" is stream where the strategy needs it. */
export function egressOf({
  strategy,
  egress,
}: {
  readonly strategy: Strategy;
  readonly egress: Egress;
}): "packet" | "stream" {
  if (egress !== "auto") return egress;
  return egressRefusals(strategy, "packet").length > 0 ? "stream" : "packet";
}
