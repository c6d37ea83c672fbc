// What a box remembers of one connection.
import { sequenceAfter } from "../tcp/sequence.ts";
import type { TcpSegment } from "../tcp/segment.ts";
import type { AnswerLimiter } from "./answer-limiter.ts";
import type { FlowReader } from "./readers.ts";

export interface Flow {
  /** Sequence number of the client's first octet. */
  firstSeq: number;
  readonly reader: FlowReader;
  /** Where the next octet of the client stands behind the first one, for boxes that keep count by whole packets. */
  next: number;
  /** What the server acknowledged last, and the next octet that it will send. */
  serverExpects: number | undefined;
  serverNext: number | undefined;
  /** The last time stamp of the client that was taken. */
  stamp: number | undefined;
  /** A later SYN with another number that the server has not answered. */
  candidate: TcpSegment | undefined;
  /** Packets with data of the client so far. */
  dataPackets: number;
  /** Whether something known was seen among the first data; undefined: none was seen yet. */
  looksKnown: boolean | undefined;
  /** Octets of data that the server sent. */
  serverBytes: number;
  /** What holds back the server's answer, once the connection was caught. */
  limiter: AnswerLimiter | undefined;
  /** What ended the watch: the connection was blocked, or the box let go of it. */
  state: "watched" | "blocked" | "forgotten";
  /** What happens to the next packet after an RST or FIN of the client. */
  resync: "moves" | "skips" | undefined;
}

export function newFlow(opening: TcpSegment, isSyn: boolean, reader: FlowReader, stamp: number | undefined): Flow {
  return {
    firstSeq: sequenceAfter(opening.seq, isSyn ? 1 : 0),
    reader,
    next: 0,
    serverExpects: undefined,
    serverNext: undefined,
    stamp,
    candidate: undefined,
    dataPackets: 0,
    looksKnown: undefined,
    serverBytes: 0,
    limiter: undefined,
    state: "watched",
    resync: undefined,
  };
}
