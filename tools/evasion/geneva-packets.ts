// Strategies of Geneva's laboratory packet by packet, most of which our notation cannot say: what they show is whether
// the models of its hypotheses are true to it. Geneva's words: a trigger, then `tamper`, `duplicate` and `drop`.
import {
  type Censor,
  type CensorName,
  GENEVA_NAMES,
  gatewayOf,
  LINK_HOPS_AFTER,
  CELL_HOST,
  makeCensor,
  runCell,
} from "@bunnel/lab";
import { decodePacket, tcpOptions, tcpOptionsOf, tcpPacket, TCP_ACK, TCP_RST } from "@bunnel/wire";

/** The word of Geneva's default for what it calls corrupt: any other number will do, this one is far outside. */
const ELSEWHERE = 0x4000_0000;
const TCP_AT = 20;
const WINDOW_AT = TCP_AT + 14;
const CHECKSUM_AT = TCP_AT + 16;
/** What scapy writes where nobody says it, so Geneva's boxes too. */
const SCAPY_WINDOW = 8192;

/** What is other in a copy of a packet. */
interface Tampering {
  readonly flags: string;
  /** Added to its number. */
  readonly seq?: number;
  readonly badSum?: boolean;
}

/** What a tree does to the packets of the client, or which of those for it are dropped before it sees them. */
export type GenevaTree =
  | { readonly kind: "bare ACKs"; readonly copies: readonly Tampering[]; readonly keepsOwn: boolean }
  | { readonly kind: "drops"; readonly dropped: (packet: Uint8Array) => boolean };

/** The hypotheses that a tree passes here. */
export function genevaTreeResult(tree: GenevaTree): readonly string[] {
  const passed = GENEVA_NAMES.filter((name) => {
    const gateway = gatewayOf((packet) => (tree.kind === "bare ACKs" ? acted(tree, packet) : [packet]));
    const censor = tree.kind === "drops" ? withoutDropped(censorOf(name), tree.dropped) : censorOf(name);
    return runCell({ message: "tls", gateway, censor }).outcome === "served";
  });
  return passed.map((name) => name.replace("geneva-", ""));
}

function censorOf(name: CensorName): Censor {
  return makeCensor(name, { blocked: [CELL_HOST], hopsToServer: LINK_HOPS_AFTER });
}

function acted(tree: Extract<GenevaTree, { kind: "bare ACKs" }>, packet: Uint8Array): readonly Uint8Array[] {
  const { tcpFlags, payloadBytes } = decodePacket(packet);
  if (tcpFlags !== TCP_ACK || payloadBytes > 0) return [packet];
  const copies = tree.copies.map((tampering) => tampered(packet, tampering));
  return tree.keepsOwn ? [...copies, packet] : copies;
}

function tampered(packet: Uint8Array, { flags, seq = 0, badSum = false }: Tampering): Uint8Array {
  const own = decodePacket(packet);
  const copy = tcpPacket({
    source: own.source,
    destination: own.destination,
    sourcePort: own.sourcePort,
    destinationPort: own.destinationPort,
    seq: (own.seq + seq) >>> 0,
    ack: own.ack,
    flags,
    options: tcpOptions(tcpOptionsOf(packet)),
  });
  if (badSum) copy[CHECKSUM_AT] = (copy[CHECKSUM_AT] ?? 0) ^ 0x55;
  return copy;
}

/** A box whose packets the client drops where the tree says so, and the server's too: as if they had not been sent. */
function withoutDropped(censor: Censor, dropped: Extract<GenevaTree, { kind: "drops" }>["dropped"]): Censor {
  return {
    name: censor.name,
    says: censor.says,
    reset: () => censor.reset(),
    judge(packet, direction, nowMs) {
      const judged = censor.judge(packet, direction, nowMs);
      const forward = judged.forward && !(direction === "inbound" && dropped(packet));
      const inject = judged.inject?.filter((made) => made.to !== "client" || !dropped(made.packet));
      return { ...judged, forward, ...(inject !== undefined && { inject }) };
    },
  };
}

function be16(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
}

const RESET: Tampering = { flags: "R", badSum: true };

/** By Geneva's own words. */
export const GENEVA_TREES: Readonly<Record<string, GenevaTree>> = {
  "[TCP:flags:A]-tamper{TCP:flags:replace:F}-|": {
    kind: "bare ACKs",
    copies: [{ flags: "F" }],
    keepsOwn: false,
  },
  "[TCP:flags:A]-duplicate(tamper{TCP:seq:corrupt}(tamper{TCP:flags:replace:R},),)-|": {
    kind: "bare ACKs",
    copies: [{ flags: "R", seq: ELSEWHERE }],
    keepsOwn: true,
  },
  "[TCP:flags:A]-duplicate(tamper{TCP:flags:replace:R}(tamper{TCP:chksum:corrupt},),)-|": {
    kind: "bare ACKs",
    copies: [RESET],
    keepsOwn: true,
  },
  "\\/ [TCP:dataofs:5]-drop-|": { kind: "drops", dropped: (packet) => (packet[TCP_AT + 12] ?? 0) >> 4 === 5 },
  "\\/ [TCP:flags:R]-drop-|": { kind: "drops", dropped: (packet) => packet[TCP_AT + 13] === TCP_RST },
  "\\/ [TCP:window:8192]-drop-|": { kind: "drops", dropped: (packet) => be16(packet, WINDOW_AT) === SCAPY_WINDOW },
  "[TCP:flags:A]-duplicate(…R, wrong checksum…,duplicate(…S, wrong checksum…,))-|": {
    kind: "bare ACKs",
    copies: [RESET, { flags: "S", badSum: true }],
    keepsOwn: true,
  },
  "[TCP:flags:A]-duplicate(…R, wrong checksum…,duplicate(…S, other number, wrong checksum…,))-|": {
    kind: "bare ACKs",
    copies: [RESET, { flags: "S", seq: ELSEWHERE, badSum: true }],
    keepsOwn: true,
  },
};
