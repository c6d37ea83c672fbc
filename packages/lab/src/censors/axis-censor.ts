// The box itself: it acts by the values of its axes. A packet passes these stations:
//   1. what the server will not get (hop limit) or what are pieces of a packet, where the box looks at that
//   2. datagrams and what is no whole TCP segment: the UDP axis
//   3. who was caught before is punished on
//   4. the segment finds its connection, or opens one; an RST or FIN may end the watch
//   5. what the server will discard is left out, where the box looks at that
//   6. the reader takes the segment and says which name it can read now
//   7. a name of the list, or what the policy does not allow, brings the reaction
import { TCP_ACK, TCP_SYN } from "@bunnel/wire";
import { Datagrams } from "../ip/datagrams.ts";
import { SeededRandom } from "../link/random.ts";
import { looksKnown } from "../message.ts";
import { RECEIVE_WINDOW_BYTES } from "../tcp/receiver.ts";
import { has, readSegment, sequenceBytes, timestampOf } from "../tcp/segment.ts";
import type { TcpSegment } from "../tcp/segment.ts";
import { sequenceAfter, sequenceDistance } from "../tcp/sequence.ts";
import { AnswerLimiter } from "./answer-limiter.ts";
import type { Axes, ReactionAxis } from "./axes.ts";
import { RESET_BOTH } from "./axes.ts";
import { BlockedNames } from "./blocked-names.ts";
import type { Censor, CensorOptions, Direction, Judgement } from "./censor.ts";
import { DROP, FORWARD } from "./censor.ts";
import { DatagramJudge } from "./datagram-judge.ts";
import { endsWatch, putsToSleep } from "./end-of-watch.ts";
import { finderOf } from "./find-name.ts";
import type { Finder } from "./find-name.ts";
import type { Flow } from "./flow.ts";
import { newFlow } from "./flow.ts";
import { FlowTable } from "./flow-table.ts";
import { forge } from "./forge.ts";
import { offenceOf } from "./policy.ts";
import { judgeLooks, readerOf } from "./readers.ts";
import { Residual } from "./residual.ts";
import { arrives, checksumsHold, isAcceptable, looksAtOf } from "./validate.ts";
import type { LooksAt } from "./validate.ts";

export interface Model {
  readonly name: string;
  /** The hypothesis, in a sentence that starts with "The box". */
  readonly says: string;
  readonly axes: Axes;
}

/** A box with an empty memory that acts as the model says. */
export function makeBox(model: Model, options: CensorOptions): Censor {
  return new AxisCensor(model, options);
}

/** What a stray hello is called where it is an offence. */
const STRAY_HELLO = "a hello outside of the window";
const DEFAULT_ALLOWED = ["www.example.org"];

class AxisCensor implements Censor {
  readonly name: string;
  readonly says: string;
  readonly #axes: Axes;
  readonly #looksAt: LooksAt;
  readonly #blocked: BlockedNames;
  readonly #allowed: BlockedNames;
  readonly #find: Finder;
  readonly #reaction: ReactionAxis;
  readonly #hopsToServer: number;
  readonly #flows: FlowTable<Flow>;
  readonly #residual: Residual;
  readonly #udp: DatagramJudge;
  readonly #datagrams = new Datagrams();
  #random = new SeededRandom(1);
  /** The box lets go of everything (`end.must` "box"). */
  #isAsleep = false;

  constructor({ name, says, axes }: Model, options: CensorOptions) {
    this.name = name;
    this.says = says;
    this.#axes = axes;
    this.#looksAt = looksAtOf(axes.validation);
    this.#blocked = new BlockedNames(options.blocked);
    this.#allowed = new BlockedNames(options.allowed ?? DEFAULT_ALLOWED);
    this.#find = finderOf(axes.parser, this.#blocked);
    this.#reaction = reactionOf(axes.reaction, options.reaction);
    this.#hopsToServer = options.hopsToServer ?? 0;
    this.#flows = new FlowTable(options.flowsMax);
    this.#residual = new Residual(axes.residual);
    this.#udp = new DatagramJudge(axes.udp, this.#blocked);
  }

  reset(): void {
    this.#flows.clear();
    this.#residual.clear();
    this.#udp.clear();
    this.#datagrams.clear();
    this.#random = new SeededRandom(1);
    this.#isAsleep = false;
  }

  judge(packet: Uint8Array, direction: Direction, nowMs: number): Judgement {
    const looksAt = this.#looksAt;
    if (direction === "outbound" && looksAt.hops && !arrives(packet, this.#hopsToServer)) return FORWARD;
    const whole = looksAt.fragments ? this.#datagrams.take(packet, nowMs) : packet;
    if (whole === undefined) return FORWARD;
    const segment = readSegment(whole);
    if (segment === undefined) return this.#udp.judge(whole, direction, nowMs);
    if (this.#residual.covers(segment, direction, nowMs)) return this.#punish(segment, direction);
    return direction === "outbound" ? this.#judgeClient(whole, segment, nowMs) : this.#judgeServer(segment, nowMs);
  }

  /** What a caught one sends later: reacted to as the first time, without a look at it. */
  #punish(segment: TcpSegment, direction: Direction): Judgement {
    const keeps = this.#reaction.keeps === "both" || (this.#reaction.keeps === "outbound" && direction === "outbound");
    if (direction === "inbound" || this.#reaction.sends.length === 0) return keeps ? DROP : FORWARD;
    const occasion = { segment, serverExpects: undefined, random: this.#random };
    return { forward: !keeps, inject: forge(this.#reaction.sends, occasion) };
  }

  #judgeServer(segment: TcpSegment, nowMs: number): Judgement {
    const key = segment.reverseKey;
    const known = this.#flows.use(key, nowMs);
    if (known === undefined) return FORWARD;
    const flow = answers(segment, known.candidate) ? this.#put(key, known.candidate, nowMs) : known;
    if (flow.state === "blocked") return this.#reaction.keeps === "both" ? DROP : FORWARD;
    if (has(segment, TCP_ACK)) flow.serverExpects = segment.ack;
    const next = sequenceAfter(segment.seq, sequenceBytes(segment));
    if (flow.serverNext === undefined || sequenceDistance(flow.serverNext, next) > 0) flow.serverNext = next;
    flow.serverBytes += segment.payloadBytes;
    flow.reader.inbound?.(segment);
    if (flow.limiter?.lets(segment.payloadBytes, nowMs) === false) return DROP;
    const { policy } = this.#axes;
    const isFrozen = policy.kind === "freeze" && flow.looksKnown === false && flow.serverBytes > policy.afterBytes;
    return isFrozen ? { forward: false, matched: "an unknown protocol" } : FORWARD;
  }

  #judgeClient(packet: Uint8Array, segment: TcpSegment, nowMs: number): Judgement {
    if (this.#isAsleep) return FORWARD;
    const axes = this.#axes;
    if (this.#looksAt.checksum && !checksumsHold(segment, packet)) return FORWARD;
    if (putsToSleep(axes.creation, segment)) {
      this.#isAsleep = true;
      return FORWARD;
    }
    const flow = this.#open(segment, nowMs);
    if (flow === undefined || flow.state === "forgotten") return FORWARD;
    if (flow.state === "blocked") return this.#reaction.keeps === "nothing" ? FORWARD : DROP;
    const syn = has(segment, TCP_SYN) ? 1 : 0;
    const position = sequenceDistance(flow.firstSeq, sequenceAfter(segment.seq, syn));
    if (endsWatch(axes.creation, segment, position, flow) === "taken") return FORWARD;
    if (axes.bansStrayHellos === true && isStrayHello(segment, position)) {
      return this.#react(STRAY_HELLO, segment, flow, nowMs);
    }
    if (!isAcceptable(this.#looksAt, segment, position, flow)) return FORWARD;
    return this.#read(segment, position, flow, nowMs);
  }

  #read(segment: TcpSegment, position: number, flow: Flow, nowMs: number): Judgement {
    const { creation, parser, policy, state } = this.#axes;
    // A box that waits for the SYN takes from it where the stream begins, and nothing else.
    const isOpening = creation.opens === "syn" && has(segment, TCP_SYN);
    const hasData = segment.payloadBytes > 0 && !isOpening;
    if (!hasData && state.kind !== "server") return FORWARD;
    if (hasData) flow.dataPackets += 1;
    if (policy.kind !== "block-list" && hasData && flow.dataPackets <= LOOKED_AT_MAX) judgeLooks(segment, flow);
    const isSkipped = parser.kind === "messages" && parser.plainHeaders === true && segment.headerBytes !== 20;
    const name = isSkipped ? undefined : flow.reader.outbound(segment, position, flow);
    const matched = this.#blocked.match(name) ?? offenceOf(policy, { segment, flow, name, allowed: this.#allowed });
    return matched === undefined ? FORWARD : this.#react(matched, segment, flow, nowMs);
  }

  #react(matched: string, segment: TcpSegment, flow: Flow, nowMs: number): Judgement {
    const { keeps, sends, answer } = this.#reaction;
    if (answer !== undefined) flow.limiter ??= new AnswerLimiter(answer, nowMs);
    const hasMemory = this.#axes.state.kind !== "none";
    if (keeps !== "nothing" && hasMemory) flow.state = "blocked";
    this.#residual.punish(segment, nowMs);
    const forward = keeps === "nothing";
    if (sends.length === 0) return { forward, matched };
    const { serverExpects } = flow;
    return { forward, matched, inject: forge(sends, { segment, serverExpects, random: this.#random }) };
  }

  /** The flow of a client's segment, opened if need be. Undefined: the segment is none of the reader's business. */
  #open(segment: TcpSegment, nowMs: number): Flow | undefined {
    const { creation, state } = this.#axes;
    const { key } = segment;
    // Without a memory there is nothing to look up.
    if (state.kind === "none") return this.#make(segment);
    const known = this.#flows.use(key, nowMs);
    const isSyn = has(segment, TCP_SYN) && !has(segment, TCP_ACK);
    if (known === undefined) {
      const opens = isSyn || (creation.opens === "any" && segment.payloadBytes > 0);
      return opens ? this.#put(key, segment, nowMs) : undefined;
    }
    if (!isSyn || sequenceAfter(segment.seq, 1) === known.firstSeq || creation.syn === "nothing") return known;
    if (creation.syn === "reopens") return this.#put(key, segment, nowMs);
    known.candidate = segment;
    return undefined;
  }

  #put(key: string, opening: TcpSegment, nowMs: number): Flow {
    const flow = this.#make(opening);
    this.#flows.put(key, flow, nowMs);
    return flow;
  }

  #make(opening: TcpSegment): Flow {
    const reader = readerOf(this.#axes.state, this.#find, opening);
    const stamp = this.#looksAt.timestamps ? timestampOf(opening) : undefined;
    return newFlow(opening, has(opening, TCP_SYN), reader, stamp);
  }
}

/** Packets with data that are looked at for what they look like. */
const LOOKED_AT_MAX = 2;

function reactionOf(own: ReactionAxis, chosen: CensorOptions["reaction"]): ReactionAxis {
  if (chosen === undefined) return own;
  return { keeps: "both", sends: chosen === "rst" ? RESET_BOTH : [] };
}

/** Whether the server's segment takes up the connection that the SYN asks for. */
function answers(segment: TcpSegment, syn: TcpSegment | undefined): syn is TcpSegment {
  return syn !== undefined && has(segment, TCP_SYN | TCP_ACK) && segment.ack === sequenceAfter(syn.seq, 1);
}

function isStrayHello(segment: TcpSegment, position: number): boolean {
  const isOutside = position + segment.payloadBytes <= 0 || position > RECEIVE_WINDOW_BYTES;
  return segment.payloadBytes > 0 && isOutside && looksKnown(segment.payload);
}
