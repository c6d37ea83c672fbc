// When a thread may sleep in read(2): where packets come alone, one behind the other, as answers to somebody who waits
// for each. It is then there with its packet, instead of waking in poll(2) and asking for the packet by another call.
import type { Sleeper } from "../sleep/sleeper.ts";
import { PollSet } from "../sys.ts";
import { takesAllWrites } from "../tun-requests.ts";

/** So many packets in a row must have come alone first. */
const LONE_MIN = 8;
/** So many are then taken on trust before one look whether more wait behind them: of a flood, the first go singly. */
const TRUSTED_MAX = 32;

/** Of one pump: the port that it reads so, and whether it does now. */
export class LoneSleep {
  readonly #poll = new PollSet(2);
  #lone = 0;
  #trusted = 0;
  #isOn = false;

  /** @param eventFd what is raised before the sleeper is woken */
  constructor(
    readonly port: number,
    private readonly fd: number,
    eventFd: number,
    private readonly sleeper: Sleeper,
  ) {
    this.#poll.set(0, fd);
    this.#poll.set(1, eventFd);
  }

  /** Whether reads of the port sleep, so that nobody may read who must not. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** Whether the next packet is to be waited for in a read, which then sleeps. */
  begin(): boolean {
    if (this.#trusted > 0) {
      this.#trusted--;
      return true;
    }
    return this.#look();
  }

  /** So many packets came in one call while it was off. */
  note(came: number): void {
    this.#lone = came === 1 ? this.#lone + 1 : 0;
  }

  /** Reads come back at once again. */
  end(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    this.#trusted = 0;
    this.#lone = 0;
    this.sleeper.leave();
  }

  /** Behind `enter`, it also sees who wanted to wake us before he could know that a signal is needed. */
  #look(): boolean {
    if (!this.#isOn) {
      // Where the queue can be full, a write would sleep, too.
      if (this.#lone < LONE_MIN || !takesAllWrites(this.fd) || !this.sleeper.enter()) return false;
      this.#isOn = true;
    }
    if (this.#poll.poll(0) !== 0) return false;
    this.#trusted = TRUSTED_MAX;
    return true;
  }
}
