// From packets to what the watcher is told. Pure.
import { L7, Verdict } from "@bunnel/abi";
import { CaptureKind, type CaptureRecord } from "@bunnel/backend";
import { canonicalHost } from "@bunnel/profile";
import type { RelayMessage } from "@bunnel/stream";
import { decodePacket, readClientHello, readHttpRequest, type DecodedPacket } from "@bunnel/wire";
import { flowName } from "./flow-name.ts";
import type { Seen } from "./watch/seen.ts";

/** Flows whose message is not whole yet; the oldest goes. */
const HELD_MAX = 256;
const TCP = 6;
const HTTP_PORT = 80;
const IPV6_HEADER_BYTES = 40;
const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;

const KINDS: Readonly<Partial<Record<number, "tls" | "http">>> = { [L7.Tls]: "tls", [L7.Http]: "http" };

/** Finds the messages in copies of what came up; one that is held in parts is put together. */
export class MessageFinder {
  readonly #held = new Map<string, DecodedPacket[]>();

  /** Undefined: no message whose answer is watched. */
  take({ kind, l7, verdict, octets }: CaptureRecord): Extract<Seen, { seen: "hello" }> | undefined {
    const message = KINDS[l7];
    if (kind !== CaptureKind.Before || message === undefined) return undefined;
    const packet = decodePacket(octets);
    if (packet.protocol !== TCP) return undefined;
    const flow = flowName({
      ...{ client: packet.source, clientPort: packet.sourcePort },
      ...{ server: packet.destination, serverPort: packet.destinationPort },
    });
    const parts = [...(this.#held.get(flow) ?? []), packet];
    this.#held.delete(flow);
    if (verdict === Verdict.Hold) {
      this.#hold(flow, parts);
      return undefined;
    }
    const whole = parts.length === 1 ? packet.payload : Buffer.concat(parts.map(({ payload }) => payload));
    const named = message === "tls" ? readClientHello(whole)?.serverName : readHttpRequest(whole)?.host;
    const host = canonicalHost((named ?? "").replace(/:\d+$/u, ""));
    if (host === undefined) return undefined;
    return { seen: "hello", flow, host, kind: message, seq: parts[0]?.seq ?? 0 };
  }

  #hold(flow: string, parts: DecodedPacket[]): void {
    this.#held.set(flow, parts);
    const [oldest] = this.#held.keys();
    if (this.#held.size > HELD_MAX && oldest !== undefined) this.#held.delete(oldest);
  }
}

/** A message that sockets of this machine have sent: its flow is the one that they have to the outside. */
export function readRelayed({ number, local, remote, host, kind }: RelayMessage): Seen {
  const client = { client: local.address, clientPort: local.port };
  const flow = flowName({ ...client, server: remote.address, serverPort: remote.port });
  return { seen: "hello", flow, host: canonicalHost(host) ?? host, kind, seq: number };
}

/** What a packet that arrived says of its flow; undefined: nothing. Only its beginning may be there. */
export function readInbound(
  arrived: Uint8Array,
  requestedHost: (flow: string) => string | undefined,
): Seen | undefined {
  const { octets, cutBytes } = asWhole(arrived);
  const packet = decodePacket(octets);
  const { tcpFlags: flags, seq, hopLimit, payload } = packet;
  if (packet.protocol !== TCP) return undefined;
  const flow = flowName({
    ...{ client: packet.destination, clientPort: packet.destinationPort },
    ...{ server: packet.source, serverPort: packet.sourcePort },
  });
  if ((flags & RST) !== 0) return { seen: "reset", flow, hopLimit, seq };
  if ((flags & (SYN | ACK)) === (SYN | ACK)) return { seen: "synAck", flow, hopLimit, seq };
  if (packet.sourcePort === HTTP_PORT && isRedirect(payload, requestedHost(flow))) {
    return { seen: "redirect", flow, hopLimit };
  }
  if ((flags & FIN) === 0) return undefined;
  return { seen: "end", flow, hopLimit, seq: (seq + payload.length + cutBytes) >>> 0 };
}

/** A packet of which only the beginning is there, with a length that says so (RFC 791, RFC 8200 section 3). */
function asWhole(octets: Uint8Array): { readonly octets: Uint8Array; readonly cutBytes: number } {
  const isV4 = (octets[0] ?? 0) >> 4 === 4;
  const [at, header] = isV4 ? [2, 0] : [4, IPV6_HEADER_BYTES];
  const said = ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
  const cutBytes = said + header - octets.length;
  if (octets.length < IPV6_HEADER_BYTES || cutBytes <= 0) return { octets, cutBytes: 0 };
  const whole = octets.slice();
  new DataView(whole.buffer).setUint16(at, octets.length - header);
  return { octets: whole, cutBytes };
}

const LOCATION = /^HTTP\/1\.[01] 3\d\d .*?^location:\s*(\S+)/imsu;
const decoder = new TextDecoder("latin1");

/** To a site that is neither the one that was asked nor one of the same name's. */
function isRedirect(payload: Uint8Array, asked: string | undefined): boolean {
  if (asked === undefined) return false;
  const to = LOCATION.exec(decoder.decode(payload))?.[1] ?? "";
  if (!/^https?:\/\//iu.test(to) || !URL.canParse(to)) return false;
  return siteOf(new URL(to).hostname) !== siteOf(asked);
}

/** The last two labels: enough to tell a site from another's page. */
function siteOf(host: string): string {
  return host.toLowerCase().split(".").slice(-2).join(".");
}
