// Generators for properties, second entry of the package (`@bunnel/wire/arbitrary`): traffic of every kind that the
// codec knows, right by construction, and the same traffic damaged.
import fc, { type Arbitrary } from "fast-check";
import { formatAddress } from "./address.ts";
import { decodePacket } from "./decode.ts";
import { fragmentsOf } from "./fragment.ts";
import { HTTP_METHODS, httpRequest } from "./http.ts";
import { ipPacket, type ExtensionHeader, type IpFields, type IpPacketFields } from "./ip-packet.ts";
import { concat } from "./octets.ts";
import { IPV6_HEADER_BYTES } from "./protocol.ts";
import { tcpOptions, type TcpOption } from "./tcp-options.ts";
import { clientHello, type ClientHelloFields } from "./tls-hello.ts";
import { icmpEcho, tcpPacket, udpPacket, type EchoFields, type TcpFields, type UdpFields } from "./transport.ts";

export { anyQuicInitial, mutatedQuicInitial, type SampleInitials } from "./quic-arbitrary.ts";

const WORD_MAX = 0xffff;
const LONG_MAX = 0xffffffff;
const PAYLOAD_MAX_BYTES = 1200;
const FRAGMENT_SIZES_MAX = 6;

/** A message with the name in it. */
export interface SampleMessage {
  readonly octets: Uint8Array;
  /** Undefined: the message names no host. */
  readonly host: string | undefined;
}

/** Host names of 1 to 253 octets, lower case, of at least two labels. */
export function anyHostName(): Arbitrary<string> {
  const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,12}[a-z0-9])?$/);
  const few = fc.array(label, { minLength: 1, maxLength: 4 });
  const many = fc.array(label, { minLength: 20, maxLength: 40 });
  const labelsOf = fc.oneof({ weight: 9, arbitrary: few }, { weight: 1, arbitrary: many });
  return fc.tuple(labelsOf, fc.constantFrom("example.org", "org", "example")).map(([labels, end]) => {
    return [...labels, end]
      .join(".")
      .slice(-253)
      .replace(/^[.-]+/, "");
  });
}

/** The fields of a hello that a browser could send, and of stranger ones. */
export function anyHelloFields(): Arbitrary<ClientHelloFields> {
  return fc.record(
    {
      serverName: anyHostName(),
      sessionId: fc.uint8Array({ maxLength: 32 }),
      cipherSuites: fc.array(fc.nat(WORD_MAX), { minLength: 1, maxLength: 20 }),
      alpn: fc.subarray(["h2", "http/1.1", "http/1.0"]),
      keyShareBytes: fc.constantFrom(1, 32, 32, 32, 1216),
      extensionOrder: fc.constantFrom("first", "last"),
      recordVersion: fc.constantFrom(0x0301, 0x0303),
      random: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      extensions: fc.array(
        fc.record({
          type: fc.integer({ min: 64, max: WORD_MAX }),
          data: fc.uint8Array({ maxLength: 40 }),
        }),
        { maxLength: 4 },
      ),
    },
    { requiredKeys: [] },
  );
}

/** A whole ClientHello in its record. */
export function anyHello(): Arbitrary<SampleMessage> {
  const padding = fc.option(fc.integer({ min: 4, max: 600 }), { nil: 0 });
  return fc.tuple(anyHelloFields(), padding).map(([fields, paddingBytes]) => {
    const padToBytes = clientHello(fields).length + paddingBytes;
    return { octets: clientHello({ ...fields, padToBytes }), host: fields.serverName };
  });
}

/** The head of a request; sometimes the Host line is far behind, in odd case, with a port, or missing. */
export function anyHttpRequest(): Arbitrary<SampleMessage> {
  const line = fc.tuple(fc.stringMatching(/^X-[A-Za-z]{1,12}$/), fc.stringMatching(/^[ -~]{0,60}$/));
  const host = fc.record({
    name: anyHostName(),
    header: fc.constantFrom("Host", "host", "HOST", "hOsT"),
    port: fc.constantFrom("", "", ":80", ":8080"),
    before: fc.array(line, { maxLength: 6 }),
  });
  const rest = fc.array(line, { maxLength: 6 });
  const path = fc.stringMatching(/^\/[a-z0-9/.?=-]{0,80}$/);
  return fc
    .tuple(fc.constantFrom(...HTTP_METHODS), path, fc.option(host, { nil: undefined }), rest)
    .map(([method, target, named, behind]) => {
      const hostLine = named ? [[named.header, named.name + named.port] as const] : [];
      const headers = [...(named?.before ?? []), ...hostLine, ...behind];
      return { octets: httpRequest({ method, path: target, headers }), host: named?.name };
    });
}

/** Options that fit a TCP header. */
export function anyTcpOptions(): Arbitrary<readonly TcpOption[]> {
  const long = fc.nat(LONG_MAX);
  const option: Arbitrary<TcpOption> = fc.oneof(
    fc.constant<TcpOption>({ kind: "nop" }),
    fc.constant<TcpOption>({ kind: "sackPermitted" }),
    fc.nat(WORD_MAX).map((bytes): TcpOption => ({ kind: "mss", bytes })),
    fc.nat(14).map((shift): TcpOption => ({ kind: "windowScale", shift })),
    fc.tuple(long, long).map(([value, echo]): TcpOption => ({ kind: "timestamps", value, echo })),
    fc
      .array(fc.tuple(long, long), { minLength: 1, maxLength: 2 })
      .map((blocks): TcpOption => ({ kind: "sack", blocks })),
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map((digest): TcpOption => ({ kind: "md5", digest })),
    fc
      .tuple(fc.integer({ min: 64, max: 255 }), fc.uint8Array({ maxLength: 6 }))
      .map(([number, data]): TcpOption => ({ kind: "other", number, data })),
  );
  return fc.array(option, { maxLength: 6 }).map((options) => {
    const fitting = [...options];
    while (tcpOptions(fitting).length > 40) fitting.pop();
    return fitting;
  });
}

/** Headers that an IPv6 packet may carry before its transport; no fragment header. */
export function anyExtensionHeaders(): Arbitrary<readonly ExtensionHeader[]> {
  const data = fc.uint8Array({ maxLength: 20 });
  // An option for experiments, which who does not know it skips (RFC 4727 section 5.1); the padding is Pad1 options.
  const options = fc.tuple(fc.constantFrom(0, 60), data).map(([protocol, value]) => {
    return { protocol, data: concat(0x1e, value.length, value) };
  });
  const others = fc.record({ protocol: fc.constantFrom(135, 139, 140), data });
  // Segments left is 0, so that the checksum speaks of the destination in the IP header.
  const routing = fc.uint8Array({ maxLength: 16 }).map((rest) => ({ protocol: 43, data: concat(0, 0, rest) }));
  const authentication = fc.uint8Array({ minLength: 10, maxLength: 26 }).map((rest) => ({ protocol: 51, data: rest }));
  return fc.array(fc.oneof(options, options, others, routing, authentication), { maxLength: 4 });
}

/** Fields of a whole packet: either family, IPv4 options, extension headers. */
export function anyIpFields(): Arbitrary<IpFields> {
  const common = { hopLimit: fc.nat(255), tos: fc.nat(255) };
  const address4 = fc.nat(255).map((host) => formatAddress(Uint8Array.of(192, 0, 2, host)));
  const address6 = fc.uint8Array({ minLength: 12, maxLength: 12 }).map((rest) => {
    return formatAddress(concat(Uint8Array.of(0x20, 0x01, 0x0d, 0xb8), rest));
  });
  const ipv4 = fc.record(
    {
      ...common,
      source: address4,
      destination: address4,
      id: fc.nat(WORD_MAX),
      dontFragment: fc.boolean(),
      ipOptions: fc.constantFrom(new Uint8Array(0), Uint8Array.of(148, 4, 0, 0), Uint8Array.of(1, 7, 7, 4, 0, 0, 0, 0)),
    },
    { requiredKeys: ["source", "destination"] },
  );
  const ipv6 = fc.record(
    {
      ...common,
      source: address6,
      destination: address6,
      flowLabel: fc.nat(0xfffff),
      extensionHeaders: anyExtensionHeaders(),
    },
    { requiredKeys: ["source", "destination"] },
  );
  return fc.oneof(ipv4, ipv6);
}

export function anyTcpFields(): Arbitrary<TcpFields> {
  const own = fc.record(
    {
      sourcePort: fc.nat(WORD_MAX),
      destinationPort: fc.nat(WORD_MAX),
      seq: fc.nat(LONG_MAX),
      ack: fc.nat(LONG_MAX),
      flags: fc.nat(255),
      window: fc.nat(WORD_MAX),
      urgent: fc.nat(WORD_MAX),
      options: anyTcpOptions().map(tcpOptions),
      payload: anyTcpPayload(),
    },
    { requiredKeys: ["sourcePort", "destinationPort"] },
  );
  return joined(own);
}

export function anyUdpFields(): Arbitrary<UdpFields> {
  const ports = { sourcePort: fc.nat(WORD_MAX), destinationPort: fc.nat(WORD_MAX) };
  const own = fc.record({ ...ports, payload: anyOctets() }, { requiredKeys: ["sourcePort", "destinationPort"] });
  return joined(own);
}

export function anyEchoFields(): Arbitrary<EchoFields> {
  const own = fc.record(
    {
      identifier: fc.nat(WORD_MAX),
      sequence: fc.nat(WORD_MAX),
      reply: fc.boolean(),
      payload: anyOctets(),
    },
    { requiredKeys: [] },
  );
  return joined(own);
}

/** A packet of a protocol that the codec does not look into. */
export function anyOpaqueFields(): Arbitrary<IpPacketFields> {
  return joined(fc.record({ protocol: fc.constantFrom(2, 41, 47, 50, 59, 132, 255), payload: anyOctets() }));
}

/** A valid packet: TCP with hellos, requests, options; UDP; ICMP; other protocols; fragments of all of them. */
export function anyPacket(): Arbitrary<Uint8Array> {
  return fc.oneof({ weight: 5, arbitrary: anyWholePacket() }, { weight: 1, arbitrary: anyFragment() });
}

/** A valid packet that is no fragment. */
export function anyWholePacket(): Arbitrary<Uint8Array> {
  return fc.oneof(
    { weight: 4, arbitrary: anyTcpFields().map(tcpPacket) },
    { weight: 2, arbitrary: anyUdpFields().map(udpPacket) },
    { weight: 1, arbitrary: anyEchoFields().map(icmpEcho) },
    { weight: 1, arbitrary: anyOpaqueFields().map(ipPacket) },
  );
}

/** One fragment of a valid packet, first, middle or last; of IPv6 sometimes an atomic one. */
export function anyFragment(): Arbitrary<Uint8Array> {
  const choice = fc.record({
    eights: fc.integer({ min: 1, max: 20 }),
    pick: fc.nat(),
    id: fc.nat(LONG_MAX),
  });
  return fc.tuple(anyWholePacket(), choice).map(([packet, { eights, pick, id }]) => {
    const { family, l4Offset, totalBytes } = decodePacket(packet);
    // The first fragment must hold all extension headers (RFC 7112), or nobody could read it.
    const extensionBytes = family === 6 ? l4Offset - IPV6_HEADER_BYTES : 0;
    const room = totalBytes - l4Offset - extensionBytes;
    const count = Math.min(FRAGMENT_SIZES_MAX, Math.floor(room / (eights * 8)));
    const sizes = Array.from({ length: count }, (_, index) => eights * 8 + (index === 0 ? extensionBytes : 0));
    const fragments = fragmentsOf(packet, sizes, id);
    return fragments[pick % fragments.length] ?? packet;
  });
}

/** A packet with octets changed (often in its headers), cut off, or with more behind it. It may still be valid. */
export function mutatedPacket(): Arbitrary<Uint8Array> {
  const change = fc.record({ at: fc.oneof(fc.nat(64), fc.nat(WORD_MAX)), octet: fc.nat(255) });
  return fc
    .tuple(
      anyPacket(),
      fc.array(change, { maxLength: 6 }),
      fc.option(fc.nat(WORD_MAX)),
      fc.uint8Array({ maxLength: 24 }),
    )
    .map(([packet, changes, cut, tail]) => {
      const kept = cut === null ? packet.slice() : packet.slice(0, cut % (packet.length + 1));
      for (const { at, octet } of changes) if (kept.length > 0) kept[at % kept.length] = octet;
      return concat(kept, tail);
    });
}

function anyOctets(): Arbitrary<Uint8Array> {
  return fc.oneof(fc.uint8Array({ maxLength: 64 }), fc.uint8Array({ maxLength: PAYLOAD_MAX_BYTES, size: "large" }));
}

/** Data, or a message; sometimes only the first part of one. */
function anyTcpPayload(): Arbitrary<Uint8Array> {
  const message = fc.oneof(anyHello(), anyHttpRequest()).map(({ octets }) => octets);
  const part = fc.tuple(message, fc.nat(WORD_MAX)).map(([octets, cut]) => octets.slice(0, cut % (octets.length + 1)));
  return fc.oneof(anyOctets(), message, part);
}

function joined<Own extends object>(own: Arbitrary<Own>): Arbitrary<IpFields & Own> {
  return fc.tuple(anyIpFields(), own).map(([ip, fields]) => ({ ...ip, ...fields }));
}
