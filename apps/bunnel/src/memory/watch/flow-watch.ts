// From what is seen of flows to what became of them. Pure: time is told, nothing is asked.
//
//   reset      RST, or the server's end without an octet, soon behind the message
//   redirect   HTTP sends to another site, or a short answer ends, from another distance than the server's
//   silence    the message is not acknowledged, was sent again three times, and not an octet came
//   freeze     some kilobytes came, and then not even acknowledgements
//
// Silence and freeze are what a network that is down looks like, too: they count only when something else was heard
// behind the message. Whoever was refused at the SYN never comes here.
import type { FlowVerdict, SocketFigures, StreamSeen, WatchedKind } from "./seen.ts";
import { SignsOfLife } from "./signs-of-life.ts";

/** A reset later than this has other causes. */
export const RESET_WITHIN_MS = 10_000;
/** Resets and ends behind more octets than this are the server's own, unless they come from elsewhere. */
export const RESET_MAX_BYTES = 4_096;
/** Boxes that freeze a flow do so behind 16 to 20 kilobytes (net4people/bbs 490). */
export const FREEZE_MIN_BYTES = 4_096;
/** A flow that brought so much works. */
export const WORKED_BYTES = 64 * 1024;
/** A number that lies further on lies behind (RFC 9293 section 3.4). */
const FORWARD_MAX = 0x7fff_ffff;
/** One that ended by itself with so much did, too; a TLS alert alone has 7. */
export const WORKED_END_BYTES = 128;
/** How often a message is sent again before it counts as lost. */
export const AGAIN_MIN = 3;
/** A client that gives up sooner has its own reasons. */
export const GIVEN_UP_MS = 2_000;
/** Boxes reset whatever goes to an address for so long behind what they found (gfw.report, sp25). */
export const RESIDUAL_MS = 180_000;
/** A flow is watched for so long. */
export const WATCH_MAX_MS = 120_000;
/** Flows at a time; the oldest goes. */
export const FLOWS_MAX = 1_024;
const RESETS_MAX = 1_024;
/** What a packet from another distance than the server's adds. */
export const ELSEWHERE_WEIGHT = 1.5;

interface Flow {
  synAck: { readonly hopLimit: number; readonly seq: number } | undefined;
  readonly seenAt: number;
  hello: { readonly host: string; readonly kind: WatchedKind; readonly seq: number; readonly at: number } | undefined;
  again: number;
  last: SocketFigures | undefined;
}

export class FlowWatch {
  readonly #flows = new Map<string, Flow>();
  /** Those of them that have failed if something else is heard. */
  readonly #doubts = new Map<string, "silence" | "freeze">();
  /** Servers' ends where a message was reset, the latest last. */
  readonly #resets = new Map<string, { readonly host: string; readonly kind: WatchedKind; readonly at: number }>();

  constructor(readonly life: SignsOfLife = new SignsOfLife()) {}

  /** Flows whose message is out and of which nothing is decided: those whose sockets are of interest. */
  get watched(): string[] {
    return [...this.#flows].filter(([, { hello }]) => hello !== undefined).map(([flow]) => flow);
  }

  /** The host whose message is out on a flow. */
  hostOf(flow: string): string | undefined {
    return this.#flows.get(flow)?.hello?.host;
  }

  /** What follows from it. @param now milliseconds of any clock that does not go back */
  take(seen: StreamSeen, now: number): FlowVerdict[] {
    if (seen.seen === "other") return [];
    const { flow: name } = seen;
    if (seen.seen === "synAck") {
      this.life.note(name, now);
      this.#accepted(name, seen, now);
      return this.#confirmed(now);
    }
    if (seen.seen === "hello") {
      const flow = this.#flows.get(name) ?? this.#open(name, now);
      if (flow.hello === undefined) flow.hello = { host: seen.host, kind: seen.kind, seq: seen.seq, at: now };
      else if (flow.hello.seq === seen.seq) flow.again++;
      if (flow.again >= AGAIN_MIN && (flow.last?.received ?? 0) === 0) this.#doubts.set(name, "silence");
      return this.#confirmed(now);
    }
    const flow = this.#flows.get(name);
    if (flow?.hello === undefined) {
      // A reset before any message is a refusal, an end without one nobody's business.
      const residual = seen.seen === "reset" && flow?.synAck !== undefined ? this.#residual(name, now) : [];
      if (seen.seen !== "socket") this.#forget(name);
      return residual;
    }
    return this.#judge(name, flow, seen, now);
  }

  /** Forgets what is watched for too long, and says what has become sure. */
  tick(now: number): FlowVerdict[] {
    const verdicts = this.#confirmed(now);
    for (const [name, { seenAt, hello }] of this.#flows) {
      if (now - (hello?.at ?? seenAt) >= WATCH_MAX_MS) this.#forget(name);
    }
    return verdicts;
  }

  /** It may be told of behind the message; with another number it is the answer to another connection. */
  #accepted(name: string, { hopLimit, seq }: Extract<StreamSeen, { seen: "synAck" }>, now: number): void {
    const before = this.#flows.get(name);
    const isSame = before !== undefined && (before.synAck === undefined || before.synAck.seq === seq);
    const flow = isSame ? before : this.#open(name, now);
    flow.synAck ??= { hopLimit, seq };
  }

  #judge(
    name: string,
    flow: Flow,
    seen: Exclude<StreamSeen, { seen: "synAck" | "hello" | "other" }>,
    now: number,
  ): FlowVerdict[] {
    switch (seen.seen) {
      case "reset":
      case "end":
        return this.#ended(name, flow, seen, now);
      case "redirect":
        if (flow.hello?.kind !== "http" || !isElsewhere(flow, seen.hopLimit)) return [];
        return this.#settle(name, flow, "redirect", ELSEWHERE_WEIGHT);
      case "socket":
        return this.#sampled(name, flow, seen, now);
      case "gone":
        return this.#givenUp(name, flow, now);
    }
  }

  #ended(name: string, flow: Flow, seen: Extract<StreamSeen, { seen: "reset" | "end" }>, now: number): FlowVerdict[] {
    const { hello, synAck, last } = flow;
    const isReset = seen.seen === "reset";
    const isOdd = isElsewhere(flow, seen.hopLimit);
    // A forged one may stand anywhere in the window: what the system took is then all that is known. What comes as the
    // server's own says how much it sent, also of a flow that nobody could look at before it was over.
    const said = synAck === undefined ? 0 : (seen.seq - synAck.seq - 1) >>> 0;
    const isNowhere = said > FORWARD_MAX || (isOdd && said > WORKED_BYTES);
    const bytes = Math.max(isNowhere ? 0 : said, last?.received ?? 0);
    const isSoon = now - (hello?.at ?? 0) <= RESET_WITHIN_MS;
    const isFailed = isOdd || (isReset ? bytes <= RESET_MAX_BYTES : bytes === 0 && synAck !== undefined);
    if (isFailed && isSoon) {
      if (hello !== undefined) this.#noteReset(name, hello, now);
      // A whole answer that is not the server's is a page of the box.
      const symptom = !isReset && bytes > 0 ? "redirect" : "reset";
      return this.#settle(name, flow, symptom, isOdd ? ELSEWHERE_WEIGHT : 1);
    }
    if (!isReset && bytes >= WORKED_END_BYTES) {
      return this.#settle(name, flow, undefined, 1).map((verdict) => ({ ...verdict, bytes }));
    }
    this.#forget(name);
    return [];
  }

  #sampled(name: string, flow: Flow, figures: SocketFigures, now: number): FlowVerdict[] {
    if (figures.received > (flow.last?.received ?? 0)) {
      this.life.note(name, now);
      this.#doubts.delete(name);
    }
    flow.last = figures;
    const { received, unacked, retransmits } = figures;
    if (received >= WORKED_BYTES) return this.#settle(name, flow, undefined, 1);
    if (unacked > 0 && retransmits >= AGAIN_MIN) {
      if (received === 0) this.#doubts.set(name, "silence");
      else if (received >= FREEZE_MIN_BYTES) this.#doubts.set(name, "freeze");
    }
    return this.#confirmed(now);
  }

  #noteReset(name: string, { host, kind }: { readonly host: string; readonly kind: WatchedKind }, at: number): void {
    const server = serverOf(name);
    this.#resets.delete(server);
    this.#resets.set(server, { host, kind, at });
    const [oldest] = this.#resets.keys();
    if (this.#resets.size > RESETS_MAX && oldest !== undefined) this.#resets.delete(oldest);
  }

  /** A connection that was accepted, and reset before it said anything. */
  #residual(name: string, now: number): FlowVerdict[] {
    const before = this.#resets.get(serverOf(name));
    if (before === undefined || now - before.at >= RESIDUAL_MS) return [];
    const { host, kind } = before;
    return [{ host, kind, helloAt: now, symptom: "reset", weight: 1, isResidual: true }];
  }

  /** The client closed it, or the system gave up: a message that was never acknowledged was lost. */
  #givenUp(name: string, { last, hello }: Flow, now: number): FlowVerdict[] {
    // The socket of another machine, or one that was gone before anybody looked.
    if (last === undefined || hello === undefined) return [];
    const { received, silentMs, unacked } = last;
    const isUnheard = unacked > 0 && now - hello.at >= GIVEN_UP_MS;
    if (isUnheard && received === 0) this.#doubts.set(name, "silence");
    if (isUnheard && received >= FREEZE_MIN_BYTES && silentMs >= GIVEN_UP_MS) this.#doubts.set(name, "freeze");
    if (!this.#doubts.has(name)) this.#forget(name);
    return this.#confirmed(now);
  }

  #settle(name: string, { hello }: Flow, symptom: FlowVerdict["symptom"], weight: number): FlowVerdict[] {
    this.#forget(name);
    if (hello === undefined) return [];
    const { host, kind, at } = hello;
    return [{ host, kind, helloAt: at, symptom, weight }];
  }

  /** Doubts about flows behind whose message another one was heard. */
  #confirmed(now: number): FlowVerdict[] {
    if (this.#doubts.size === 0) return [];
    return [...this.#doubts].flatMap(([name, doubt]) => {
      const flow = this.#flows.get(name);
      const sentAt = flow?.hello?.at;
      if (flow === undefined || sentAt === undefined || sentAt > now) return [];
      return this.life.isOtherHeard(name, sentAt) ? this.#settle(name, flow, doubt, 1) : [];
    });
  }

  #forget(name: string): void {
    this.#flows.delete(name);
    this.#doubts.delete(name);
  }

  #open(name: string, now: number): Flow {
    this.#forget(name);
    const [oldest] = this.#flows.keys();
    if (this.#flows.size >= FLOWS_MAX && oldest !== undefined) this.#forget(oldest);
    const flow: Flow = { synAck: undefined, seenAt: now, hello: undefined, again: 0, last: undefined };
    this.#flows.set(name, flow);
    return flow;
  }
}

function serverOf(flow: string): string {
  return flow.slice(flow.indexOf(" ") + 1);
}

/** Whether a packet has come another way than the server's first one: within a flow that does not change by itself. */
function isElsewhere({ synAck }: Flow, hopLimit: number): boolean {
  return synAck !== undefined && synAck.hopLimit !== hopLimit;
}
