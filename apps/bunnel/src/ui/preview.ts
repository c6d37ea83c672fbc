// What a profile would do with a message, shown by doing it: the engine runs the profile's rules over a sample.
import { L7, Reason, Verdict } from "@bunnel/abi";
import { Engine, QuicNames, type Lane } from "@bunnel/engine";
import { encodeRules, ruleStrategyText, tableRules, type Profile } from "@bunnel/profile";
import {
  clientHello,
  httpRequest,
  POST_QUANTUM_SHARE_BYTES,
  quicHello,
  quicInitials,
  tcpOptions,
  tcpPacket,
  udpPacket,
} from "@bunnel/wire";
import { MessageReader, type SeenExchange } from "../capture/message-reader.ts";
import type { SeenPacket } from "../capture/packet-event.ts";
import type { ExchangeView, PreviewRequest, SampleKind } from "./contract.ts";
import { exchangeView } from "./exchange-view.ts";

const SOURCE = { 4: "192.0.2.7", 6: "2001:db8::7" } as const;
const DESTINATION = { 4: "203.0.113.9", 6: "2001:db8:2::9" } as const;
const SOURCE_PORT = 40_000;
const FIRST_SEQ = 1000;
/** As much of a ClientHello as fits into one segment of an Ethernet. */
const SEGMENT_BYTES = 1400;
const BROWSER_HELLO_BYTES = 517;
const SEED = 1n;

/** Runs profiles over samples; nothing leaves this process. */
export class Preview {
  readonly #lane: Lane;

  private constructor(readonly engine: Engine) {
    this.#lane = engine.lane(0);
  }

  static async open(): Promise<Preview> {
    return new Preview(await Engine.create({ maxFlows: 64, seed: SEED, warm: false }));
  }

  /** What becomes of the sample. @throws ProfileError E_RULES_LIMIT for a profile too large for a table */
  show(profile: Profile, { kind, host, family }: Omit<PreviewRequest, "text">): ExchangeView {
    this.engine.reset();
    this.engine.loadRules(encodeRules(profile));
    const reader = new MessageReader();
    const indexes = tableRules(profile).map(({ ruleIndex }) => ruleIndex);
    let shown: SeenExchange | undefined;
    for (const [number, packet] of samplePackets(kind, host, family).entries()) {
      const rule = (index: number): string | undefined => profile.rules[indexes[index] ?? -1]?.name;
      for (const seen of this.#run(packet, number, rule)) shown = reader.take(seen) ?? shown;
    }
    if (shown === undefined) throw new Error(`preview: expected a packet of a ${kind} sample`);
    const rule = profile.rules.find(({ name }) => name === shown.before.rule);
    return exchangeView(shown, 0, rule && ruleStrategyText(rule));
  }

  /** One packet through the engine, and what leaves for it. */
  #run(octets: Uint8Array, number: number, ruleName: (index: number) => string | undefined): SeenPacket[] {
    const lane = this.#lane;
    const sent: { readonly octets: Uint8Array; readonly delayMs: number }[] = [];
    lane.place(0, octets);
    const send = (): void => {
      for (const [i, packet] of lane.sent().entries()) sent.push({ octets: packet, delayMs: lane.txDelaysMs[i] ?? 0 });
    };
    lane.work(1, 0, send, new QuicNames());
    const { verdict, reason, l7, rule } = lane.meta(0);
    const name = ruleName(rule);
    const said = {
      number,
      timeMs: 0,
      verdict: Verdict[verdict],
      reason: Reason[reason],
      ...(l7 !== L7.None && { message: L7[l7].toLowerCase() }),
      ...(name !== undefined && { rule: name }),
      count: sent.length,
    };
    return [
      { ...said, side: "before", index: 0, delayMs: 0, octets },
      ...sent.map((packet, index): SeenPacket => ({ ...said, side: "after", index, ...packet })),
    ];
  }
}

/** The packets in which such a message comes up. */
function samplePackets(kind: SampleKind, host: string, family: 4 | 6): Uint8Array[] {
  const ends = { source: SOURCE[family], destination: DESTINATION[family], sourcePort: SOURCE_PORT };
  const tcp = { ...ends, flags: "PA", seq: FIRST_SEQ, ack: 1, options: OPTIONS };
  switch (kind) {
    case "tls":
    case "tls-pq": {
      const hello =
        kind === "tls"
          ? clientHello({ serverName: host, padToBytes: BROWSER_HELLO_BYTES })
          : clientHello({ serverName: host, keyShareBytes: POST_QUANTUM_SHARE_BYTES });
      return inSegments(hello).map(({ payload, from }) =>
        tcpPacket({ ...tcp, destinationPort: 443, seq: FIRST_SEQ + from, payload }),
      );
    }
    case "http":
      return [tcpPacket({ ...tcp, destinationPort: 80, payload: httpRequest({ host }) })];
    case "quic":
      return quicInitials({ hello: quicHello({ serverName: host }), datagrams: 1 }).map((payload) =>
        udpPacket({ ...ends, destinationPort: 443, payload }),
      );
    case "dns":
      return [udpPacket({ ...ends, destinationPort: 53, payload: dnsQuery(host) })];
    case "syn":
      return [tcpPacket({ ...ends, destinationPort: 443, flags: "S", seq: FIRST_SEQ, options: SYN_OPTIONS })];
  }
}

/** Two NOPs and time stamps, as Linux and browsers on it send. */
const OPTIONS = tcpOptions([{ kind: "nop" }, { kind: "nop" }, { kind: "timestamps", value: 900_000, echo: 1 }]);
const SYN_OPTIONS = tcpOptions([{ kind: "mss", bytes: 1460 }, { kind: "nop" }, { kind: "windowScale", shift: 7 }]);

function inSegments(message: Uint8Array): { readonly payload: Uint8Array; readonly from: number }[] {
  const count = Math.ceil(message.length / SEGMENT_BYTES);
  return Array.from({ length: count }, (_, i) => {
    return { payload: message.slice(i * SEGMENT_BYTES, (i + 1) * SEGMENT_BYTES), from: i * SEGMENT_BYTES };
  });
}

/** A query for the IPv4 address of a name: RFC 1035 section 4.1. */
function dnsQuery(name: string): Uint8Array {
  const head = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label, "latin1")]);
  return Uint8Array.from([...head, ...labels, 0, 0, 1, 0, 1]);
}
