// Packets of one connection for the tests of this package, made by hand and octet for octet the same every time.
import { clientHello, httpRequest, tcpOptions, tcpPacket } from "@bunnel/wire";
import type { TcpFields } from "@bunnel/wire";
import { sequenceAfter } from "./tcp/sequence.ts";

export const BLOCKED = "firstvideo.example.org";
/** Of the same length; no octet of its first label is that of the blocked one. */
export const ALLOWED = "secondpage.example.org";
export const CLIENT_SEQ = 5000;
export const SERVER_SEQ = 0xfffffff0;
const HOSTS = { 4: ["192.0.2.7", "203.0.113.9"], 6: ["2001:db8:1::7", "2001:db8:2::9"] } as const;

export interface Sample {
  readonly name: string;
  /** The message with the blocked name, and with another one of the same length. */
  readonly bad: Uint8Array;
  readonly good: Uint8Array;
  /** An octet in the first label of the name. */
  readonly middle: number;
  readonly port: number;
}

const hello = clientHello({ serverName: BLOCKED });
const request = httpRequest({ host: BLOCKED });

export const TLS: Sample = {
  name: "tls",
  bad: hello,
  good: clientHello({ serverName: ALLOWED }),
  middle: Buffer.from(hello).indexOf(BLOCKED) + 5,
  port: 443,
};
export const HTTP: Sample = {
  name: "http",
  bad: request,
  good: httpRequest({ host: ALLOWED }),
  middle: Buffer.from(request).indexOf(BLOCKED) + 5,
  port: 80,
};

export type Change = Partial<TcpFields> & { readonly family?: 4 | 6 };

/** The client's segment whose payload starts at octet `at` of its stream. */
export function fromClient(at: number, payload: Uint8Array, { family = 4, ...change }: Change = {}): Uint8Array {
  const [source, destination] = HOSTS[family];
  return tcpPacket({
    source,
    destination,
    sourcePort: 40000,
    destinationPort: 443,
    seq: sequenceAfter(CLIENT_SEQ, 1 + at),
    ack: sequenceAfter(SERVER_SEQ, 1),
    payload,
    ...change,
  });
}

/** The server's segment whose payload starts at octet `at` of its stream, acknowledging `acknowledged` octets. */
export function fromServer(at: number, acknowledged: number, { family = 4, ...change }: Change = {}): Uint8Array {
  const [destination, source] = HOSTS[family];
  return tcpPacket({
    source,
    destination,
    sourcePort: 443,
    destinationPort: 40000,
    seq: sequenceAfter(SERVER_SEQ, 1 + at),
    ack: sequenceAfter(CLIENT_SEQ, 1 + acknowledged),
    ...change,
  });
}

/** SYN of the client. */
export function syn(change: Change = {}): Uint8Array {
  return fromClient(-1, new Uint8Array(0), { flags: "S", ack: 0, ...change });
}

/** SYN,ACK of the server. */
export function synAck(change: Change = {}): Uint8Array {
  return fromServer(-1, 0, { flags: "SA", ...change });
}

/** An option area with a timestamp. */
export function stamp(value: number, echo = 0): Uint8Array {
  return tcpOptions([{ kind: "timestamps", value, echo }]);
}
