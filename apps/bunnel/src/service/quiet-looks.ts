// When the service looks at copies of packets while nobody else does. A machine that carries bulk, or nothing at all,
// shows nothing new: each look then would be one for nothing, and there would be hundreds of thousands a day.
//
//   nothing is watched    asleep until a lane copies a message, a look each two seconds for what arrived
//   a message was copied  a look soon behind it, so that what belongs together comes together
//   flows are watched     as often as whoever watches them asks for
import type { CaptureFeed, CaptureRecord } from "@bunnel/backend";

/** No look follows another one sooner, and a message waits for so long. */
export const QUIET_EVERY_MS = 200;
/** What arrives is taken up at least so often: what waits for it in the kernel has a limit. */
const REST_MAX_MS = 2_000;

/** Somebody in the service itself who hears of messages, always. */
export interface PacketHearer {
  /** Called before copies are fetched. */
  begin(): void;
  /** Called with what was fetched, also when it was nothing. */
  take(records: readonly CaptureRecord[]): void;
  /** In how many milliseconds there is something to look at though no message is copied; Infinity: nobody knows. */
  nextLookMs(): number;
}

/** Looks until it is disposed. */
export class QuietLooks implements Disposable {
  #over = false;
  #pause: { readonly timer: ReturnType<typeof setTimeout>; readonly end: () => void } | undefined;

  constructor(
    readonly captured: Pick<CaptureFeed, "written" | "wake">,
    readonly hearer: PacketHearer,
    readonly look: () => void,
  ) {
    void this.#run();
  }

  [Symbol.dispose](): void {
    this.#over = true;
    clearTimeout(this.#pause?.timer);
    this.#pause?.end();
    this.captured.wake();
  }

  async #run(): Promise<void> {
    while (!this.#over) {
      await this.#rest();
      if (!this.#over) this.look();
    }
  }

  async #rest(): Promise<void> {
    const restMs = Math.min(this.hearer.nextLookMs(), REST_MAX_MS);
    if (restMs <= QUIET_EVERY_MS) return this.#sleep();
    if (!(await this.captured.written(restMs)) || this.#over) return undefined;
    // What arrived before the message is nothing that came behind it.
    this.hearer.begin();
    this.hearer.take([]);
    return this.#sleep();
  }

  #sleep(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pause = { timer: setTimeout(resolve, QUIET_EVERY_MS), end: resolve };
    return promise;
  }
}
