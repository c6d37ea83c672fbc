// The recognisers of TLS, HTTP, QUIC and DNS by themselves: the octets of an input are a payload, flush with the end of
// the memory, behind headers that are always right. They must read it as the plain codec does.
import { L7, META_HOST_BYTES, META_HOST_OFFSET, META_L7, META_VERDICT, Verdict } from "@bunnel/abi";
import type { Lane } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import { readClientHello, readHttpRequest, tcpPacket, udpPacket } from "@bunnel/wire";
import { isInitial, queryNameBytes } from "./datagram-names.ts";
import type { EngineUnderTest } from "./engine-under-test.ts";
import type { FuzzInput } from "./input.ts";
import type { ProbeScan } from "./probe-scan.ts";
import { BrokenLaw, type FuzzTarget, law } from "./target.ts";

const V4 = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000 };
const V6 = { source: "2001:db8::7", destination: "2001:db8:1::9", sourcePort: 40000 };
/** By the two low bits of the first option: TCP, QUIC, DNS, TCP over IPv6. */
const HEADERS: readonly Uint8Array[] = [
  tcpPacket({ ...V4, destinationPort: 443, flags: "PA" }),
  udpPacket({ ...V4, destinationPort: 443 }),
  udpPacket({ ...V4, destinationPort: 53 }),
  tcpPacket({ ...V6, destinationPort: 80, flags: "PA" }),
];
const DNS = 2;
const REQUEST_MIN_BYTES = 8;
const PAYLOAD_MAX_BYTES = 16384;
/** Every kind is looked for and left alone. */
const RULES = ["tls", "http", "quic", "dns"]
  .map((kind) => `[[rule]]\nname = "${kind}"\nports = ["1-65535"]\nstrategy = "${kind}: pass"\n`)
  .join("");
const TABLE = encodeRules(parseProfile(RULES));

export class NamesTarget implements FuzzTarget {
  readonly name = "names";
  readonly probeCount: number;
  readonly counters: Uint8Array;
  readonly scan: ProbeScan;
  readonly #lane: Lane;
  readonly #view: DataView;
  readonly #metaAt: number;

  constructor(private readonly under: EngineUnderTest) {
    this.probeCount = under.probeCount;
    this.counters = under.counters;
    this.scan = under.scan;
    this.#view = new DataView(under.memory.buffer);
    this.#lane = under.lane({ track: false, mtuBytes: 65535 });
    this.#metaAt = under.metasAt;
    under.engine.loadRules(TABLE);
  }

  run({ options, packets }: FuzzInput): void {
    for (const { octets } of packets) this.#look((options[0] ?? 0) & 3, octets.subarray(0, PAYLOAD_MAX_BYTES));
  }

  confirm({ options, packets }: FuzzInput): void {
    const kind = (options[0] ?? 0) & 3;
    for (const { octets } of packets) this.#compare(kind, octets.subarray(0, PAYLOAD_MAX_BYTES));
  }

  /** One poll; the place that it gives for the name lies within the payload. True: it asked for the name. */
  #look(kind: number, payload: Uint8Array): boolean {
    const lane = this.#lane;
    lane.rx.at[0] = this.#place(HEADERS[kind] ?? payload, payload);
    const done = lane.poll(0, 1, 0);
    const isAsked = done === 0;
    const hostEnd =
      this.#view.getUint16(this.#metaAt + META_HOST_OFFSET, true) +
      this.#view.getUint16(this.#metaAt + META_HOST_BYTES, true);
    if (hostEnd > payload.length) throw new BrokenLaw(`names: expected a name within the payload, found one past it`);
    if (isAsked !== (lane.question !== undefined)) throw new BrokenLaw("names: expected progress or a question");
    const verdict = this.#view.getUint8(this.#metaAt + META_VERDICT);
    if (!isAsked && verdict !== Verdict.Pass) throw new BrokenLaw(`names: expected to pass, found verdict ${verdict}`);
    return isAsked;
  }

  #compare(kind: number, payload: Uint8Array): void {
    const isAsked = this.#look(kind, payload);
    const isUdp = kind === 1 || kind === DNS;
    const nameBytes = kind === DNS ? queryNameBytes(payload) : undefined;
    const wantsAnswer = isUdp && nameBytes === undefined && isInitial(payload);
    law(isAsked === wantsAnswer, () => `names: expected a question: ${wantsAnswer}, found ${isAsked}`);
    if (isAsked) return;
    const found = {
      l7: this.#view.getUint8(this.#metaAt + META_L7),
      offset: this.#view.getUint16(this.#metaAt + META_HOST_OFFSET, true),
      bytes: this.#view.getUint16(this.#metaAt + META_HOST_BYTES, true),
    };
    const expected = isUdp
      ? { l7: nameBytes === undefined ? L7.None : L7.Dns, offset: 0, bytes: nameBytes ?? 0 }
      : read(payload);
    law(
      found.l7 === expected.l7 && found.offset === expected.offset && found.bytes === expected.bytes,
      () => `names: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`,
    );
  }

  /** Header and payload side by side, the payload's last octet the memory's last; returns where the packet starts. */
  #place(header: Uint8Array, payload: Uint8Array): number {
    const bytes = header.length + payload.length;
    const at = this.under.octets.length - bytes;
    this.under.octets.set(header, at);
    this.under.octets.set(payload, at + header.length);
    const isV6 = (header[0] ?? 0) >> 4 === 6;
    this.#view.setUint16(at + (isV6 ? 4 : 2), isV6 ? bytes - 40 : bytes);
    if (header.length === 28) this.#view.setUint16(at + 24, bytes - 20);
    this.#lane.rx.lengths[0] = bytes;
    this.#view.setBigUint64(this.#metaAt + META_L7 - (META_L7 % 8), 0n);
    return at;
  }
}

/** What the plain codec reads of a TCP payload. */
function read(payload: Uint8Array): { readonly l7: L7; readonly offset: number; readonly bytes: number } {
  const hello = readClientHello(payload);
  if (hello) return { l7: L7.Tls, offset: hello.nameOffset, bytes: hello.nameBytes };
  // The engine looks at two words of four octets; no request line is shorter (RFC 9112 section 3).
  const request = payload.length < REQUEST_MIN_BYTES ? undefined : readHttpRequest(payload);
  if (request) return { l7: L7.Http, offset: request.hostOffset, bytes: request.hostBytes };
  return { l7: L7.None, offset: 0, bytes: 0 };
}
