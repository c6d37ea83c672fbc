// The beginning of a proxy's connection: what its client says is read and answered until it has said what it wants.
import { MESSAGE_MAX_BYTES } from "../message/first-message.ts";
import { Handshake, type ProxyWish } from "../proxy/handshake.ts";
import type { ProxyUser } from "../proxy/socks5.ts";
import { errno, receive, send } from "../sockets/current.ts";
import { addressOf, EAGAIN, EINTR } from "../sys.ts";
import type { ChannelShared } from "./channel.ts";

/** "waiting": for more of the client; "gone": it has left. */
export type OpeningState = "waiting" | "gone" | ProxyWish | { readonly next: "refuse"; readonly answer?: Uint8Array };

export class Opening {
  #held: Uint8Array = new Uint8Array(0);
  readonly #handshake: Handshake;

  constructor(
    private readonly client: number,
    private readonly shared: ChannelShared,
    user: ProxyUser | undefined,
  ) {
    this.#handshake = new Handshake(user);
  }

  /** What the client has said behind its wish: it belongs to the connection. */
  get held(): Uint8Array {
    return this.#held;
  }

  run(): OpeningState {
    const isHere = this.#read();
    for (;;) {
      const step = this.#handshake.step(this.#held);
      if (step.next === "more") return isHere ? "waiting" : "gone";
      if (step.next === "refuse") return step;
      this.#held = this.#held.subarray(step.bytes);
      if (step.next !== "answer") return step;
      this.say(step.answer);
    }
  }

  /** Sends what fits into an empty socket buffer, as all does that a proxy says itself. */
  say(answer: Uint8Array): void {
    send(this.client, addressOf(answer), answer.length);
  }

  /** Adds what is there to what is held, up to a limit: the rest can wait where it is. False: the client has left. */
  #read(): boolean {
    const { scratch, scratchAt } = this.shared;
    while (this.#held.length < MESSAGE_MAX_BYTES) {
      const bytes = receive(this.client, scratchAt, scratch.length);
      if (bytes === 0) return false;
      if (bytes > 0) this.#held = Buffer.concat([this.#held, scratch.subarray(0, bytes)]);
      else if (errno() !== EINTR) return errno() === EAGAIN;
    }
    return true;
  }
}

/** Reads and throws away all that is there. False: the client has left. */
export function discardAll(client: number, { scratch, scratchAt }: ChannelShared): boolean {
  for (;;) {
    const bytes = receive(client, scratchAt, scratch.length);
    if (bytes === 0) return false;
    if (bytes < 0 && errno() !== EINTR) return errno() === EAGAIN;
  }
}
