// The state axis: what a box makes of the client's segments before it looks for a name.
import { TCP_ACK, TCP_SYN } from "@bunnel/wire";
import { behindEmptyLines, looksKnown } from "../message.ts";
import { joined } from "../octets.ts";
import { OctetWindow, STREAM_KEPT_BYTES } from "../tcp/octet-window.ts";
import { acknowledged, TcpReceiver } from "../tcp/receiver.ts";
import type { SentSide } from "../tcp/receiver.ts";
import { has, sequenceBytes, timestampOf } from "../tcp/segment.ts";
import type { TcpSegment } from "../tcp/segment.ts";
import { sequenceAfter, sequenceDistance } from "../tcp/sequence.ts";
import { UrgentOctets } from "../tcp/urgent-octets.ts";
import type { StateAxis } from "./axes.ts";
import type { Finder } from "./find-name.ts";
import type { Flow } from "./flow.ts";

const NOTHING = new Uint8Array(0);

/** The memory of one flow. */
export interface FlowReader {
  /**
   * Takes a segment of the client. Returns the host name that can be read now.
   * @param position where the payload lies in the client's stream: octets behind the SYN; negative when before it
   */
  outbound(segment: TcpSegment, position: number, flow: Flow): string | undefined;
  /** Takes a segment of the server. */
  inbound?(segment: TcpSegment): void;
}

/** A reader for a new flow that opens with this segment. */
export function readerOf(state: StateAxis, find: Finder, opening: TcpSegment): FlowReader {
  switch (state.kind) {
    case "none":
      return { outbound: (segment) => find(segment.payload).name };
    case "packets":
      return { outbound: (segment, position, flow) => readPacket(find, segment, position, flow) };
    case "first-data":
      return { outbound: (segment, _, flow) => (flow.dataPackets === 1 ? find(segment.payload).name : undefined) };
    case "next":
      return new NextReader(find);
    case "in-order":
      return new InOrderReader(find, state);
    case "full":
      return new FullReader(find, state);
    case "server":
      return new ServerReader(find, opening);
  }
}

/** Reads a packet wherever it stands, and keeps count of those that continue the last one. */
function readPacket(find: Finder, segment: TcpSegment, position: number, flow: Flow): string | undefined {
  if (position === flow.next) flow.next += segment.payloadBytes;
  return find(segment.payload).name;
}

/** Reads the packets that stand where the last one ended. */
class NextReader implements FlowReader {
  readonly #find: Finder;

  constructor(find: Finder) {
    this.#find = find;
  }

  outbound(segment: TcpSegment, position: number, flow: Flow): string | undefined {
    if (position !== flow.next) return undefined;
    flow.next += segment.payloadBytes;
    return this.#find(segment.payload).name;
  }
}

/**
 * Takes only octets that continue what it has. Where it is not exact, a segment that starts before the next expected
 * octet is used from there on; one that starts behind it is thrown away for good.
 */
class InOrderReader implements FlowReader {
  readonly #window = new OctetWindow("first");

  constructor(
    private readonly find: Finder,
    private readonly state: Extract<StateAxis, { kind: "in-order" }>,
  ) {}

  outbound(segment: TcpSegment, position: number, flow: Flow): string | undefined {
    const next = this.#window.readableBytes;
    if (flow.dataPackets > this.state.packetsMax || position > next) return undefined;
    if (this.state.exact === true && position !== next) return undefined;
    return this.#window.write(position, segment.payload) ? this.find(this.#window.readable).name : undefined;
  }
}

type FullState = Extract<StateAxis, { kind: "full" }>;

/** Puts segments of any order together. */
class FullReader implements FlowReader {
  readonly #window: OctetWindow;
  #isDone = false;

  constructor(
    private readonly find: Finder,
    private readonly state: FullState,
  ) {
    this.#window = new OctetWindow(state.keep);
  }

  outbound(segment: TcpSegment, position: number, flow: Flow): string | undefined {
    if (this.#isDone || flow.dataPackets > (this.state.packetsMax ?? Infinity)) return undefined;
    if (!this.#window.write(position, segment.payload)) return undefined;
    const { name, isWhole } = this.find(this.#window.readable);
    this.#isDone = isWhole && this.state.verdict === "first-message";
    return name;
  }
}

/**
 * Discards what the server would discard (window, time stamps, flags, MD5 option) and keeps the octets that it would
 * keep, the urgent one not among them (RFC 6093), nor empty lines before a request (RFC 9112 section 2.2); hop limits,
 * checksums and fragments are the business of the validation axis. Reads one message.
 */
class ServerReader implements FlowReader {
  #receiver: TcpReceiver;
  /** Undefined: the server was not heard yet, so acknowledgements are not judged. */
  #server: SentSide | undefined;
  #stream: Uint8Array = NOTHING;
  #urgent = new UrgentOctets();
  #isDone = false;
  #firstSeq: number;

  constructor(
    private readonly find: Finder,
    private readonly opening: TcpSegment,
  ) {
    this.#firstSeq = sequenceAfter(opening.seq, has(opening, TCP_SYN) ? 1 : 0);
    this.#receiver = new TcpReceiver(this.#firstSeq);
  }

  outbound(segment: TcpSegment): string | undefined {
    // A server without fast open leaves the payload of a SYN alone.
    if (has(segment, TCP_SYN) || this.#isDone) return undefined;
    const reception = this.#receiver.receive(segment, this.#server);
    if (reception.kind !== "taken") return undefined;
    if (this.#server !== undefined) this.#server = acknowledged(this.#server, segment.ack);
    this.#urgent.note(sequenceDistance(this.#firstSeq, segment.seq), segment.urgent);
    if (reception.octets.length === 0) return undefined;
    const octets = this.#urgent.read(reception.octets);
    this.#stream = this.#stream.length === 0 ? octets : joined(this.#stream, octets);
    const { name, isWhole } = this.find(behindEmptyLines(this.#stream));
    this.#isDone = isWhole || this.#stream.length > STREAM_KEPT_BYTES;
    return name;
  }

  /** Learns which acknowledgements make sense, and from the SYN,ACK whether timestamps were agreed on. */
  inbound(segment: TcpSegment): void {
    const next = sequenceAfter(segment.seq, sequenceBytes(segment));
    if (this.#server !== undefined) {
      if (sequenceDistance(this.#server.next, next) > 0)
        this.#server = {
          unacknowledged: this.#server.unacknowledged,
          next,
          acknowledgedBytes: this.#server.acknowledgedBytes,
        };
    } else if (has(segment, TCP_SYN | TCP_ACK)) {
      const stamp = timestampOf(segment) === undefined ? undefined : timestampOf(this.opening);
      this.#firstSeq = segment.ack;
      this.#receiver = new TcpReceiver(segment.ack, stamp);
      this.#urgent = new UrgentOctets();
      this.#server = { unacknowledged: next, next, acknowledgedBytes: 0 };
    }
  }
}

/** What the first data of a flow looks like. */
export function judgeLooks(segment: TcpSegment, flow: Flow): void {
  flow.looksKnown = flow.looksKnown === true || looksKnown(segment.payload);
}
