// From packets of QUIC to what the watcher is told. Pure.
import { L7, Verdict } from "@bunnel/abi";
import { CaptureKind, type CaptureRecord } from "@bunnel/backend";
import { canonicalHost } from "@bunnel/profile";
import { decodePacket, formatAddress, readQuicServerName } from "@bunnel/wire";
import { flowName } from "./flow-name.ts";
import type { QuicSeen } from "./watch/seen.ts";

/** Connections whose hello is not whole yet; the oldest goes. */
const HELD_MAX = 64;
const UDP = 17;
const UDP_HEADER_BYTES = 8;
const IPV6_HEADER_BYTES = 40;
const LONG_HEADER = 0x80;
/** RFC 9000 section 17.2: first octet, version u32, length of the destination id u8, destination id. */
const ID_LENGTH_AT = 5;
const ID_MAX_BYTES = 20;

/** What flows of QUIC are called: TCP between the same ends is another one. */
function quicFlow(ends: Parameters<typeof flowName>[0]): string {
  return `quic ${flowName(ends)}`;
}

/** The client's port of such a flow. */
export function quicPort(flow: string): number {
  const client = flow.split(" ")[1] ?? "";
  return Number(client.slice(client.lastIndexOf(":") + 1));
}

/** Finds hellos that a rule acted on in copies of what came up; each is opened once. */
export class QuicFinder {
  readonly #held = new Map<string, Uint8Array[]>();

  /** @param hostOf whose hello a connection has, where that is known already */
  constructor(readonly hostOf: (flow: string, id: string) => string | undefined) {}

  /** Undefined: no datagram of a hello whose answer is watched. */
  take({ kind, l7, verdict, rule, octets }: CaptureRecord): QuicSeen | undefined {
    if (kind !== CaptureKind.Before || l7 !== L7.Quic) return undefined;
    const { protocol, source, sourcePort, destination, destinationPort, payload } = decodePacket(octets);
    const idBytes = payload[ID_LENGTH_AT] ?? 0;
    if (protocol !== UDP || idBytes > ID_MAX_BYTES) return undefined;
    const server = { server: destination, serverPort: destinationPort };
    const flow = quicFlow({ client: source, clientPort: sourcePort, ...server });
    const id = payload.slice(ID_LENGTH_AT + 1, ID_LENGTH_AT + 1 + idBytes).toHex();
    const known = this.hostOf(flow, id);
    if (known !== undefined) return { seen: "initial", flow, host: known, id };
    const parts = [...(this.#held.get(flow) ?? []), payload];
    this.#held.delete(flow);
    if (verdict === Verdict.Hold) {
      this.#hold(flow, parts);
      return undefined;
    }
    if (rule < 0) return undefined;
    const host = canonicalHost(readQuicServerName(parts) ?? "");
    return host === undefined ? undefined : { seen: "initial", flow, host, id };
  }

  #hold(flow: string, parts: Uint8Array[]): void {
    this.#held.set(flow, parts);
    const [oldest] = this.#held.keys();
    if (this.#held.size > HELD_MAX && oldest !== undefined) this.#held.delete(oldest);
  }
}

/** What a datagram that arrived says of its connection. Its beginning is enough; undefined: it is none. */
export function readAnswer(octets: Uint8Array): QuicSeen | undefined {
  const first = octets[0] ?? 0;
  const isV4 = first >> 4 === 4;
  const header = isV4 ? (first & 15) * 4 : IPV6_HEADER_BYTES;
  if (octets.length <= header + UDP_HEADER_BYTES) return undefined;
  const [source, bytes] = isV4 ? [12, 4] : [8, 16];
  const ports = new DataView(octets.buffer, octets.byteOffset + header, UDP_HEADER_BYTES);
  const flow = quicFlow({
    client: formatAddress(octets.subarray(source + bytes, source + 2 * bytes)),
    clientPort: ports.getUint16(2),
    server: formatAddress(octets.subarray(source, source + bytes)),
    serverPort: ports.getUint16(0),
  });
  return { seen: "answer", flow, isLong: ((octets[header + UDP_HEADER_BYTES] ?? 0) & LONG_HEADER) !== 0 };
}
