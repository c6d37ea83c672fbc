// Runs one golden case.
import type { Technique } from "@bunnel/abi";
import type { Engine } from "@bunnel/engine";
import { decodePacket, PROTOCOL_TCP, readQuicServerName, TCP_SYN } from "@bunnel/wire";
import { meaningOf } from "../engine/http-meaning.ts";
import { readByEndpoint, tableOf } from "../engine/rig.ts";
import { lineOfPacket, packetOfLine } from "./packet-words.ts";
import type { GoldenCase } from "./pages.ts";

export interface RunCase {
  readonly lines: readonly string[];
  /** What the endpoint reads, in the words of a page. */
  readonly reads: string;
}

/** Sends the case's packets one after another through a fresh engine. */
export function runCase(engine: Engine, golden: GoldenCase): RunCase {
  engine.reset();
  engine.loadRules(tableOf(golden.rule));
  const lane = engine.lane(0);
  const packets = golden.input.map(packetOfLine);
  const sent: Uint8Array[] = [];
  const lines: string[] = [];
  const take = (): void => {
    for (const [i, packet] of lane.sent().entries()) {
      sent.push(packet);
      lines.push(lineOfPacket(packet, lane.txDelaysMs[i] ?? 0));
    }
  };
  const names = {
    look: (payload: Uint8Array): { readonly name: string } | "none" => {
      const name = readQuicServerName([payload]);
      return name === undefined ? "none" : { name };
    },
  };
  for (const packet of packets) {
    lane.place(0, packet);
    lane.work(1, 0, take, names);
  }
  return { lines, reads: reading(sent, packets.at(-1) ?? new Uint8Array(0)) };
}

function reading(sent: readonly Uint8Array[], original: Uint8Array): string {
  if (sent.length === 0) return "nothing";
  const { payload, protocol, hopLimit, tcpFlags } = decodePacket(original);
  if (protocol !== PROTOCOL_TCP || (tcpFlags & TCP_SYN) !== 0) {
    // A SYN or a datagram: what the last one that arrives carries.
    const real = sent.map(decodePacket).findLast((packet) => packet.hopLimit === hopLimit);
    if (real?.fragment === true) return "it";
    const bytes = real?.payloadBytes ?? 0;
    return bytes === payload.length ? "it" : bytes > payload.length ? "more" : "less";
  }
  const read = readByEndpoint(sent, original);
  if (read === undefined) return "nothing";
  if (Buffer.from(read).equals(Buffer.from(payload))) return "it";
  return Bun.deepEquals(meaningOf(read), meaningOf(payload)) ? "same" : "other";
}

/** The word of its users for every technique: the name of its page. */
export const PAGE_OF: Readonly<Record<keyof typeof Technique, string>> = {
  Split: "split",
  Disorder: "disorder",
  Fake: "fake",
  SeqOvl: "seqovl",
  FakedSplit: "fakedsplit",
  HostFakeSplit: "hostfakesplit",
  SynData: "syndata",
  SynAck: "synack",
  Rst: "rst",
  Window: "window",
  Mss: "mss",
  IpFrag: "ipfrag",
  UdpLen: "udplen",
  Drop: "drop",
  HttpTrick: "httphost",
  IpId: "ipid",
  Duplicate: "dup",
  Delay: "delay",
  Ttl: "ttl",
  Tos: "tos",
  Doh: "doh",
  Redirect: "redirect",
};
