// What the client of a cell sends and what it is answered. Messages of the same kind and name are built once: a search
// sends the same one many thousand times.
import { clientHello, httpRequest, mixedFrames, quicHello, quicInitials } from "@bunnel/wire";
import type { ClientHelloFields, HttpRequestFields } from "@bunnel/wire";
import { DNS_ADDRESS, quicAnswer, QUIC_SECOND_ANSWER, QUIC_SECOND_FLIGHT } from "../datagram-endpoint.ts";
import { dnsAnswer, dnsQuery, readDnsQuestion } from "../dns-message.ts";
import type { QuicSpread } from "../censors/gallery.ts";
import { concat } from "../octets.ts";
import { answerOf, HTTP_ANSWER, TLS_ANSWER } from "../endpoint-flow.ts";

/** Messages that are kept. */
const KEPT_MAX = 64;
/** As curl sends them. */
const USUAL_HEADERS: NonNullable<HttpRequestFields["headers"]> = [
  ["User-Agent", "curl/8.5.0"],
  ["Accept", "*/*"],
];
const DNS_ID = 0x5a5a;
/** Where a mixed hello is cut into frames, in shares of it. */
const MIXED_AT = [0.1, 0.3, 0.6, 0.8] as const;
const CONNECTION_ID = Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1);

type StreamFields = {
  readonly message: "tls" | "http" | "quic" | "dns";
  readonly hello?: Omit<ClientHelloFields, "serverName">;
  readonly request?: Omit<HttpRequestFields, "host">;
};

export interface DatagramMessage {
  readonly flights: readonly (readonly Uint8Array[])[];
  /** All answers, one behind the other. */
  readonly answer: Uint8Array;
  /** Each answer, where the client knows which one is for it. */
  readonly answers?: readonly Uint8Array[];
}

const streams = new Map<string, Uint8Array>();
const datagrams = new Map<string, DatagramMessage>();
const answers = new Map<string, Uint8Array>();

/** The octets of a hello or a request for a host. */
export function streamMessage({ message, hello, request }: StreamFields, host: string): Uint8Array {
  const isUsual = request === undefined && Object.keys(hello ?? {}).every((key) => key === "keyShareBytes");
  const make = () => {
    return message === "http"
      ? httpRequest({ headers: USUAL_HEADERS, ...request, host })
      : clientHello({ ...hello, serverName: host });
  };
  return isUsual ? kept(streams, `${message} ${host} ${hello?.keyShareBytes ?? 0}`, make) : make();
}

/** A QUIC hello, or a DNS question for a host. */
export function datagramMessage(message: StreamFields["message"], host: string, spread?: QuicSpread): DatagramMessage {
  return kept(datagrams, `${message} ${host} ${spread ?? "whole"}`, () => {
    if (message === "quic") return quicMessage(host, spread);
    const query = dnsQuery(host, DNS_ID);
    const question = readDnsQuestion(query);
    if (question === undefined) throw new Error(`DNS query: expected a question for ${host}, found none`);
    return { flights: [[query]], answer: dnsAnswer(question, DNS_ADDRESS) };
  });
}

/** A second flight goes out once the first is answered: boxes that let the first datagram pass are felt then. */
function quicMessage(host: string, spread: QuicSpread | undefined): DatagramMessage {
  const fields = { serverName: host, destinationId: CONNECTION_ID, datagrams: spread === undefined ? 1 : 2 };
  const bytes = quicHello({ serverName: host }).length;
  const mixed = { cryptoSplit: MIXED_AT.map((share) => Math.round(bytes * share)), arrange: mixedFrames };
  const hello = quicInitials(spread === "mixed" ? { ...fields, ...mixed } : fields);
  const flights = [hello, [QUIC_SECOND_FLIGHT]];
  const expected = [quicAnswer(CONNECTION_ID), QUIC_SECOND_ANSWER];
  return { flights, answers: expected, answer: concat(...expected) };
}

/** What a server answers over TCP, grown to so many octets. */
export function answerFor(message: StreamFields["message"], bytes: number): Uint8Array {
  const make = () => answerOf(message === "http" ? HTTP_ANSWER : TLS_ANSWER, bytes);
  return kept(answers, `${message} ${bytes}`, make);
}

function kept<Value>(values: Map<string, Value>, key: string, make: () => Value): Value {
  const known = values.get(key);
  if (known !== undefined) return known;
  if (values.size >= KEPT_MAX) values.clear();
  const made = make();
  values.set(key, made);
  return made;
}
