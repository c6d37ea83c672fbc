// The rules that know one kind of message by its ports and first octets. Pure.
import { DeviceError } from "@bunnel/device";
import { gotoVerdict } from "../nft/expression.ts";
import { carries, carriesBits, hasDestinationPort, isEchoRequest, opensConnection } from "../nft/match.ts";
import type { Rule } from "../nft/message.ts";

/** Destination ports of one kind of message. */
export const SELECTED_PORTS_MAX = 64;
/** A TLS record of a handshake, version 3.x: RFC 8446 section 5.1. */
const TLS_HANDSHAKE = Uint8Array.of(0x16, 0x03);
/** The handshake message behind the record's five octets is a ClientHello: RFC 8446 section 4. */
const TLS_HANDSHAKE_TYPE_AT = 5;
const TLS_CLIENT_HELLO = Uint8Array.of(0x01);

/** Of a long header: form, fixed bit, type; the four bits behind them are protected. Then the version. RFC 9000 17.2 */
const QUIC_MASK = Uint8Array.of(0xf0, 0xff, 0xff, 0xff, 0xff);
const QUIC_INITIALS = [
  /** Version 1: RFC 9000 sections 15 and 17.2.2 */
  Uint8Array.of(0xc0, 0x00, 0x00, 0x00, 0x01),
  /** Version 2: RFC 9369 sections 3.1 and 3.2 */
  Uint8Array.of(0xd0, 0x6b, 0x33, 0x43, 0xcf),
];
const QUIC_PORT = 443; // RFC 9114 section 3.1
const FAMILIES = [4, 6] as const;
const DNS_PORT = 53; // RFC 1035 section 4.2

/** RFC 9110 section 9.3 and RFC 5789. */
const HTTP_METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT"];

export function quicRules(ports: readonly number[] | undefined, target: string): Rule[] {
  return portsOr(QUIC_PORT, "quic", ports).flatMap((port) =>
    QUIC_INITIALS.map((start) => [
      ...hasDestinationPort(port),
      ...carriesBits(0, QUIC_MASK, start),
      gotoVerdict(target),
    ]),
  );
}

export function dnsRules(ports: readonly number[] | undefined, target: string): Rule[] {
  return portsOr(DNS_PORT, "dns", ports).map((port) => [...hasDestinationPort(port), gotoVerdict(target)]);
}

/** Every datagram to these ports, whatever it is. */
export function udpRules(ports: readonly number[] | undefined, target: string): Rule[] {
  return onPorts("udp", ports, [gotoVerdict(target)]);
}

export function echoRules(target: string): Rule[] {
  return FAMILIES.map((family) => [...isEchoRequest(family), gotoVerdict(target)]);
}

/**
 * All packets of a port, not only those of flows that began since: who reads them knows which flows are which, and lets
 * the others go on as they came.
 */
export function streamRules(ports: readonly number[] | undefined, target: string): Rule[] {
  return onPorts("stream", ports, [gotoVerdict(target)]);
}

export function synRules(ports: readonly number[] | undefined, target: string): Rule[] {
  return onPorts("syn", ports, [...opensConnection(), gotoVerdict(target)]);
}

export function tlsRules(ports: readonly number[] | undefined, target: string): Rule[] {
  return onPorts("tls", ports, [
    ...carries(0, TLS_HANDSHAKE),
    ...carries(TLS_HANDSHAKE_TYPE_AT, TLS_CLIENT_HELLO),
    gotoVerdict(target),
  ]);
}

export function httpPortRules(ports: readonly number[] | undefined, target: string): Rule[] {
  return checkedPorts("http", ports ?? []).map((port) => [...hasDestinationPort(port), gotoVerdict(target)]);
}

/** The words that a request begins with. The space belongs to the word, so that "GETTING" is none. */
export function methodRules(target: string): Rule[] {
  return HTTP_METHODS.map((method) => [...carries(0, new TextEncoder().encode(`${method} `)), gotoVerdict(target)]);
}

/** The rule for each port; without ports, for any. */
function onPorts(kind: string, ports: readonly number[] | undefined, rule: Rule): Rule[] {
  if (ports === undefined) return [];
  if (ports.length === 0) return [rule];
  return checkedPorts(kind, ports).map((port) => [...hasDestinationPort(port), ...rule]);
}

function portsOr(usual: number, kind: string, ports: readonly number[] | undefined): readonly number[] {
  return ports?.length === 0 ? [usual] : checkedPorts(kind, ports ?? []);
}

function checkedPorts(kind: string, ports: readonly number[]): readonly number[] {
  if (ports.length > SELECTED_PORTS_MAX) {
    throw new DeviceError(
      "E_DEVICE_OPTION",
      `${kind} ports: expected at most ${SELECTED_PORTS_MAX}, found ${ports.length}`,
    );
  }
  for (const port of ports) {
    if (!Number.isInteger(port) || port < 1 || port > 0xffff) {
      throw new DeviceError("E_DEVICE_OPTION", `${kind} port: expected 1…65535, found ${port}`);
    }
  }
  return ports;
}
