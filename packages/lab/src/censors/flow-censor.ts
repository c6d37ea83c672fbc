// The part that all models with a memory share. A packet passes these stations:
//   1. what is no whole TCP segment passes
//   2. an outbound SYN opens a flow (in "syn-ack" models: once the server answers it); a flow whose SYN was not seen
//      opens with its first octets
//   3. a flow that was blocked stays so, in both directions
//   4. the model's reader takes the segment and says which name it can read now
//   5. a name of the list blocks the flow
import { TCP_ACK, TCP_SYN } from "@bunnel/wire";
import { has, readSegment } from "../tcp/segment.ts";
import type { TcpSegment } from "../tcp/segment.ts";
import { sequenceAfter, sequenceDistance } from "../tcp/sequence.ts";
import { BlockedNames } from "./blocked-names.ts";
import type { Censor, CensorOptions, Direction, Judgement, Reaction } from "./censor.ts";
import { DROP, FORWARD } from "./censor.ts";
import { FlowTable } from "./flow-table.ts";
import { react } from "./reaction.ts";

/** What the reader of one flow gets with each segment. */
export interface SeenSegment {
  readonly segment: TcpSegment;
  /** The packet that carries it, whole. */
  readonly packet: Uint8Array;
  /** Where the payload lies in the client's stream: octets behind the SYN; negative when before it. */
  readonly position: number;
}

/** The memory of one flow: the hypothesis of a model is here. */
export interface FlowReader {
  /** Takes a segment of the client. Returns the host name that can be read now. */
  outbound(seen: SeenSegment): string | undefined;
  /** Takes a segment of the server. */
  inbound?(segment: TcpSegment): void;
}

interface Flow {
  /** Sequence number of the client's first octet. */
  readonly firstSeq: number;
  readonly reader: FlowReader;
  /** What the server acknowledged last. */
  serverExpects: number | undefined;
  /** A later SYN with another number that the server has not answered. */
  candidate: TcpSegment | undefined;
  blocked: boolean;
}

export interface FlowModel {
  readonly name: string;
  readonly says: string;
  readonly defaultReaction?: Reaction;
  /** What makes a known flow a new one: a SYN with another number (the default), or only the server's answer to it. */
  readonly reopens?: "syn" | "syn-ack";
  /** A reader for a new flow. `opening` is the SYN, or the first segment seen. */
  readonly open: (opening: TcpSegment) => FlowReader;
}

export class FlowCensor implements Censor {
  readonly name: string;
  readonly says: string;
  readonly #model: FlowModel;
  readonly #blocked: BlockedNames;
  readonly #reaction: Reaction;
  readonly #flows: FlowTable<Flow>;

  constructor(model: FlowModel, options: CensorOptions) {
    this.name = model.name;
    this.says = model.says;
    this.#model = model;
    this.#blocked = new BlockedNames(options.blocked);
    this.#reaction = options.reaction ?? model.defaultReaction ?? "drop";
    this.#flows = new FlowTable(options.flowsMax);
  }

  reset(): void {
    this.#flows.clear();
  }

  judge(packet: Uint8Array, direction: Direction, nowMs: number): Judgement {
    const segment = readSegment(packet);
    if (segment === undefined) return FORWARD;
    return direction === "outbound" ? this.#judgeClient(packet, segment, nowMs) : this.#judgeServer(segment, nowMs);
  }

  #judgeServer(segment: TcpSegment, nowMs: number): Judgement {
    const { source, sourcePort, destination, destinationPort } = segment;
    const key = keyOf(destination, destinationPort, source, sourcePort);
    const known = this.#flows.use(key, nowMs);
    if (known === undefined) return FORWARD;
    const flow = answers(segment, known.candidate) ? this.#put(key, known.candidate, nowMs) : known;
    if (flow.blocked) return DROP;
    if (has(segment, TCP_ACK)) flow.serverExpects = segment.ack;
    flow.reader.inbound?.(segment);
    return FORWARD;
  }

  #judgeClient(packet: Uint8Array, segment: TcpSegment, nowMs: number): Judgement {
    const { source, sourcePort, destination, destinationPort } = segment;
    const key = keyOf(source, sourcePort, destination, destinationPort);
    const flow = this.#open(key, segment, nowMs);
    if (flow === undefined) return FORWARD;
    if (flow.blocked) return DROP;
    const syn = has(segment, TCP_SYN) ? 1 : 0;
    const position = sequenceDistance(flow.firstSeq, sequenceAfter(segment.seq, syn));
    const matched = this.#blocked.match(flow.reader.outbound({ segment, packet, position }));
    if (matched === undefined) return FORWARD;
    flow.blocked = true;
    return react(this.#reaction, matched, segment, flow.serverExpects);
  }

  /** The flow of a client's segment, opened if need be. Undefined: the segment is none of the reader's business. */
  #open(key: string, segment: TcpSegment, nowMs: number): Flow | undefined {
    const known = this.#flows.use(key, nowMs);
    const opens = has(segment, TCP_SYN) && !has(segment, TCP_ACK);
    if (known === undefined) return opens || segment.payload.length > 0 ? this.#put(key, segment, nowMs) : undefined;
    if (!opens || sequenceAfter(segment.seq, 1) === known.firstSeq) return known;
    if (this.#model.reopens !== "syn-ack") return this.#put(key, segment, nowMs);
    known.candidate = segment;
    return undefined;
  }

  #put(key: string, opening: TcpSegment, nowMs: number): Flow {
    const firstSeq = sequenceAfter(opening.seq, has(opening, TCP_SYN) ? 1 : 0);
    const reader = this.#model.open(opening);
    const flow: Flow = { firstSeq, reader, serverExpects: undefined, candidate: undefined, blocked: false };
    this.#flows.put(key, flow, nowMs);
    return flow;
  }
}

/** Whether the server's segment takes up the connection that the SYN asks for. */
function answers(segment: TcpSegment, syn: TcpSegment | undefined): syn is TcpSegment {
  return syn !== undefined && has(segment, TCP_SYN | TCP_ACK) && segment.ack === sequenceAfter(syn.seq, 1);
}

function keyOf(client: string, clientPort: number, server: string, serverPort: number): string {
  return `${client} ${clientPort} ${server} ${serverPort}`;
}
