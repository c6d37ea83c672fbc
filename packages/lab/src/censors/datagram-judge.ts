// The UDP axis.
import { decodePacket, PROTOCOL_UDP, readQuicInitial, udpPacket } from "@bunnel/wire";
import type { DecodedPacket } from "@bunnel/wire";
import { dnsAnswer, readDnsQuestion } from "../dns-message.ts";
import { Datagrams } from "../ip/datagrams.ts";
import { helloName } from "../quic-hello.ts";
import type { UdpAxis } from "./axes.ts";
import type { BlockedNames } from "./blocked-names.ts";
import type { Direction, Judgement } from "./censor.ts";
import { FORWARD } from "./censor.ts";

/** Flows and punishments remembered at one time; the oldest gives way. */
const REMEMBERED_MAX = 1024;
/** The version that the box can open (RFC 9000). */
const QUIC_VERSION_1 = 1;

export class DatagramJudge {
  readonly #axis: UdpAxis;
  readonly #names: BlockedNames;
  readonly #datagrams = new Datagrams();
  /** Flows by when they were seen first, and punished ones by when that ends. */
  readonly #seen = new Map<string, number>();
  readonly #punished = new Map<string, number>();

  constructor(axis: UdpAxis, names: BlockedNames) {
    this.#axis = axis;
    this.#names = names;
  }

  clear(): void {
    this.#datagrams.clear();
    if (this.#seen.size > 0) this.#seen.clear();
    if (this.#punished.size > 0) this.#punished.clear();
  }

  judge(packet: Uint8Array, direction: Direction, nowMs: number): Judgement {
    if (this.#axis.kind === "passes" || direction === "inbound") return FORWARD;
    if (this.#axis.kind === "dns") return this.#judgeDns(packet, this.#axis, nowMs);
    const decoded = decodePacket(packet);
    if (decoded.protocol !== PROTOCOL_UDP && this.#axis.kind !== "octets") return FORWARD;
    if (this.#axis.kind === "quic") return decoded.fragment ? FORWARD : this.#judgeQuic(decoded, this.#axis, nowMs);
    const matched = this.#names.within(decoded.payload);
    return matched === undefined ? FORWARD : { forward: false, matched };
  }

  #judgeDns(packet: Uint8Array, axis: Extract<UdpAxis, { kind: "dns" }>, nowMs: number): Judgement {
    const whole = this.#datagrams.take(packet, nowMs);
    if (whole === undefined) return FORWARD;
    const { protocol, source, destination, sourcePort, destinationPort, payload } = decodePacket(whole);
    if (protocol !== PROTOCOL_UDP || destinationPort !== axis.port) return FORWARD;
    const question = readDnsQuestion(payload);
    const matched = this.#names.match(question?.name);
    if (question === undefined || matched === undefined) return FORWARD;
    const ends = { source: destination, destination: source, sourcePort: destinationPort, destinationPort: sourcePort };
    const forged = udpPacket({ ...ends, payload: dnsAnswer(question, axis.address) });
    return { forward: false, matched, inject: [{ packet: forged, to: "client" }] };
  }

  #judgeQuic(decoded: DecodedPacket, axis: Extract<UdpAxis, { kind: "quic" }>, nowMs: number): Judgement {
    const { source, destination, sourcePort, destinationPort, payload } = decoded;
    const tuple = `${source} ${destination} ${destinationPort}`;
    if (nowMs < (this.#punished.get(tuple) ?? 0)) return { forward: false };
    if (axis.fromGreaterPort && sourcePort <= destinationPort) return FORWARD;
    const flow = `${tuple} ${sourcePort}`;
    const since = this.#seen.get(flow);
    if (since !== undefined && nowMs - since < axis.flowMs) return FORWARD;
    remember(this.#seen, flow, nowMs);
    const matched = this.#names.match(nameOf(payload));
    if (matched === undefined) return FORWARD;
    remember(this.#punished, tuple, nowMs + axis.residualMs);
    // What the box saw goes on; what comes later does not.
    return { forward: true, matched };
  }
}

/** The name in one whole Initial of version 1, all of it in one CRYPTO frame from the hello's start. */
function nameOf(payload: Uint8Array): string | undefined {
  const initial = readQuicInitial(payload);
  if (initial?.version !== QUIC_VERSION_1 || initial.crypto.length !== 1) return undefined;
  const [hello] = initial.crypto;
  return hello === undefined || hello.offset !== 0 ? undefined : helloName(hello.octets);
}

function remember(map: Map<string, number>, key: string, value: number): void {
  map.delete(key);
  const oldest = map.keys().next();
  if (map.size >= REMEMBERED_MAX && oldest.done !== true) map.delete(oldest.value);
  map.set(key, value);
}
