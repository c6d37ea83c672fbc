// From the client to the server: messages are collected, decided about and sent step by step; what is between and
// behind them passes through the channel.
//
//   collect → send → pass → collect …   a request, its content, the next request
//                  → pass               a hello, a stream that nobody knows: to its end
import { readChunk, framingOf, trailerBytes, type Framing } from "../message/http-framing.ts";
import { MESSAGE_MAX_BYTES, recognise, type StreamMessage } from "../message/first-message.ts";
import type { StreamPlan } from "../plan/plan.ts";
import { readProxyRequest } from "../proxy/http.ts";
import type { ProxyTarget } from "../proxy/socks5.ts";
import { errno, receive } from "../sockets/current.ts";
import { EAGAIN, EINTR } from "../sys.ts";
import type { Channel, ChannelShared, ChannelState } from "./channel.ts";
import type { Timer } from "./timers.ts";
import { Sender, type SenderHost } from "./sender.ts";

/** What it asks of the flow that it belongs to. */
export interface UpstreamHost extends SenderHost {
  readonly family: number;
  readonly shared: ChannelShared;
  readonly messageTimeoutMs: number;
  /** Where the requests of a proxy's client go at present; undefined: they bring no targets. */
  readonly absoluteTarget: ProxyTarget | undefined;
  /** The plan for a message; undefined: it is left alone. */
  plan(octets: Uint8Array, message: StreamMessage): StreamPlan | undefined;
  timer(ms: number, act: () => void): Timer;
  wake(): void;
}

/** As a channel's, and: the strategy is to drop it, or the next request is for somebody else. */
export type UpstreamState = Exclude<ChannelState, "filled"> | "dropped" | { readonly goesTo: ProxyTarget };

type Stage = "collect" | "send" | "pass" | "chunk" | "trailer";

export class Upstream {
  #stage: Stage = "collect";
  #next: Stage = "pass";
  #framing: Framing | undefined;
  #sender: Sender | undefined;
  #deadline: Timer | undefined;
  #isLate = false;

  /** @param held octets of the client that were read already */
  constructor(
    public channel: Channel,
    private held: Uint8Array,
    private readonly host: UpstreamHost,
  ) {}

  run(): UpstreamState {
    for (;;) {
      const state = this.#turn();
      if (state !== undefined) return state;
    }
  }

  /** Goes on with another server: what was held is for it. */
  moveTo(channel: Channel): void {
    channel.readable = this.channel.readable;
    this.channel = channel;
    this.#stage = "collect";
  }

  drop(): void {
    this.#deadline?.cancel();
    this.#sender?.drop();
    this.channel.drop();
  }

  /** One step of the way; undefined: there may be another. */
  #turn(): UpstreamState | undefined {
    switch (this.#stage) {
      case "collect":
        return this.#collect();
      case "send":
        return this.#send();
      case "chunk":
        return this.#chunk();
      case "trailer":
        return this.#trailer();
      case "pass": {
        const state = this.channel.run();
        if (state !== "filled") return state;
        this.#stage = this.#next;
        return undefined;
      }
    }
  }

  #collect(): UpstreamState | undefined {
    // What was passed on before must have left: a message is sent past the channel.
    const flushed = this.channel.flush();
    if (flushed !== "empty") return flushed === "full" ? "waiting" : "broken";
    const found = this.held.length === 0 ? "more" : recognise(this.held);
    if (found === "other" || (found === "more" && this.#isLate)) return this.#passAll();
    if (found === "more") return this.#fill();
    return this.#begin(found);
  }

  #begin(message: StreamMessage): UpstreamState | undefined {
    this.#deadline?.cancel();
    this.#deadline = undefined;
    let octets = this.held.subarray(0, message.bytes);
    let known = message;
    if (this.host.absoluteTarget !== undefined && message.kind === "http") {
      const request = readProxyRequest(octets);
      if (request.form === "connect" || request.form === "broken") return "broken";
      if (request.form === "absolute") {
        const { target, head } = request;
        if (!isSame(target, this.host.absoluteTarget)) return { goesTo: target };
        const rewritten = recognise(head);
        if (typeof rewritten === "string") return "broken";
        octets = head;
        known = rewritten;
      }
    }
    this.held = this.held.subarray(message.bytes);
    this.#framing = known.kind === "http" ? framingOf(octets) : { form: "unknown" };
    const plan = this.host.plan(octets, known);
    if (plan === "drop") return "dropped";
    this.channel.bytes += octets.length;
    const steps = plan ?? [{ octets, urgent: false, waitMs: 0 }];
    this.#sender = new Sender(this.channel.sink, this.host.family, steps, this.host, () => this.host.wake());
    this.#stage = "send";
    return undefined;
  }

  #send(): UpstreamState | undefined {
    const state = this.#sender?.run() ?? "done";
    if (state !== "done") return state;
    this.#sender?.drop();
    this.#sender = undefined;
    if (this.#framing?.form === "chunked") this.#stage = "chunk";
    else if (this.#framing?.form === "length") this.#pass(this.#framing.bytes, "collect");
    else return this.#passAll();
    return undefined;
  }

  #chunk(): UpstreamState | undefined {
    const chunk = readChunk(this.held);
    if (chunk.part === "more") return this.#isLate ? this.#passAll() : this.#fill();
    if (chunk.part === "broken") return this.#passAll();
    this.#pass(chunk.lineBytes + chunk.bytes, chunk.isLast ? "trailer" : "chunk");
    return undefined;
  }

  #trailer(): UpstreamState | undefined {
    const bytes = trailerBytes(this.held);
    if (bytes < 0) return this.#isLate ? this.#passAll() : this.#fill();
    this.#pass(bytes, "collect");
    return undefined;
  }

  /** So many octets, of what is held first; then the next stage. */
  #pass(bytes: number, next: Stage): void {
    const held = this.held.subarray(0, bytes);
    this.channel.push(held);
    this.channel.bytes += held.length;
    this.channel.quota = bytes - held.length;
    this.held = this.held.subarray(held.length);
    this.#isLate = false;
    this.#next = next;
    this.#stage = "pass";
  }

  #passAll(): undefined {
    // Whoever can say where a request ends can send the next one elsewhere; this stream cannot be trusted with that.
    this.#pass(this.held.length, "pass");
    this.channel.quota = Number.POSITIVE_INFINITY;
  }

  /** Reads more; undefined: something came. */
  #fill(): UpstreamState | undefined {
    const { scratch, scratchAt } = this.host.shared;
    const room = Math.min(scratch.length, MESSAGE_MAX_BYTES - this.held.length);
    if (room <= 0) return this.#passAll();
    if (!this.channel.readable) return this.#await();
    const bytes = receive(this.channel.source, scratchAt, room);
    if (bytes > 0) {
      if (bytes < room && !this.channel.isHung) this.channel.readable = false;
      this.held =
        this.held.length === 0 ? scratch.slice(0, bytes) : Buffer.concat([this.held, scratch.subarray(0, bytes)]);
      return undefined;
    }
    if (bytes === 0) {
      this.channel.ended = true;
      return this.#passAll();
    }
    const error = errno();
    if (error === EINTR) return undefined;
    if (error !== EAGAIN) return "broken";
    this.channel.readable = false;
    return this.#await();
  }

  /** A message that has begun may not take for ever. */
  #await(): "waiting" {
    if (this.held.length > 0 && this.#deadline === undefined) {
      this.#deadline = this.host.timer(this.host.messageTimeoutMs, () => {
        this.#isLate = true;
        this.host.wake();
      });
    }
    return "waiting";
  }
}

function isSame(a: ProxyTarget, b: ProxyTarget): boolean {
  return a.host.toLowerCase() === b.host.toLowerCase() && a.port === b.port;
}
