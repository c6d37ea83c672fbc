// What the watcher is told of traffic, and what it makes of a flow. A flow is named by both of its ends, as
// "192.0.2.7:40000 203.0.113.9:443", the side that opened it first.
import type { Symptom } from "../contract.ts";

/** Messages that bear a host's name and whose answers are watched. */
export type WatchedKind = "tls" | "http" | "quic";

/** What is seen of TCP, and of QUIC. */
export type Seen = StreamSeen | QuicSeen;

export type QuicSeen =
  /** A datagram with a part of a client's hello came up. `id`: the connection as the client calls it. */
  | { readonly seen: "initial"; readonly flow: string; readonly host: string; readonly id: string }
  /** The server sent a datagram. `isLong`: one of the handshake. */
  | { readonly seen: "answer"; readonly flow: string; readonly isLong: boolean }
  /** Datagrams of servers may have come that nobody saw. */
  | { readonly seen: "unheard"; readonly flow: string };

export type StreamSeen =
  /** The first message of a flow came up, or the same once more. `seq`: of its first octet. */
  | { readonly seen: "hello"; readonly flow: string; readonly host: string; readonly kind: "tls" | "http"; seq: number }
  /** The server accepted the connection. */
  | { readonly seen: "synAck"; readonly flow: string; readonly hopLimit: number; readonly seq: number }
  /** A reset, or the end of what the server sends, arrived. */
  | { readonly seen: "reset" | "end"; readonly flow: string; readonly hopLimit: number; readonly seq: number }
  /** An answer of HTTP arrived that sends the client to another site. */
  | { readonly seen: "redirect"; readonly flow: string; readonly hopLimit: number }
  /** What the system says of the flow's socket. */
  | ({ readonly seen: "socket"; readonly flow: string } & SocketFigures)
  /** A connection of this machine that nobody watches, the quickest of them. */
  | { readonly seen: "other"; readonly flow: string; readonly bytesPerSecond: number }
  /** The system has no such socket any more. */
  | { readonly seen: "gone"; readonly flow: string };

/** Of a socket of this machine, as of now. */
export interface SocketFigures {
  /** Octets that the server sent and the system took. */
  readonly received: number;
  /** Segments that the other side has not acknowledged. */
  readonly unacked: number;
  /** How often the oldest of them was sent again. */
  readonly retransmits: number;
  /** Since the server's last octet; counts from the socket's beginning where there was none. */
  readonly silentMs: number;
  /** Octets that wait for the program. */
  readonly unread: number;
  /** Segments that came behind a gap; undefined: nobody counts them. */
  readonly outOfOrder: number | undefined;
}

/** What became of a flow. */
export interface FlowVerdict {
  readonly host: string;
  readonly kind: WatchedKind;
  /** When its message came up, in milliseconds of the watcher's clock. */
  readonly helloAt: number;
  /** Undefined: it worked. */
  readonly symptom: Exclude<Symptom, "other"> | undefined;
  /** How sure a failure is: 1, more where the packet came from elsewhere than the server's, less where it was slow. */
  readonly weight: number;
  /** No message went out: a box resets whatever goes to an address where it found something before. */
  readonly isResidual?: true;
  /** It worked, and brought a lot quickly: it was not throttled. */
  readonly isQuick?: true;
  /** What came until the server's end, where that was seen. */
  readonly bytes?: number;
}
