// Stream egress in a lane's thread: what the host has answered is carried out, what is wanted is told.
import { AdmissionQueue, type Lane } from "@bunnel/engine";

/** Told once for each burst that has some; see `WantedConnection`. */
export type TellWanted = (translations: readonly number[]) => void;

export class LaneStream {
  readonly #lane: Lane;
  readonly #tell: TellWanted;
  readonly #answers: AdmissionQueue;

  constructor(lane: Lane, tell: TellWanted) {
    this.#lane = lane;
    this.#tell = tell;
    this.#answers = new AdmissionQueue(lane.memory, lane.index);
  }

  /** Carries out what was answered; `send` is called when something leaves. */
  admit(nowMs: number, send: () => void): void {
    for (let given = this.#answers.take(); given !== undefined; given = this.#answers.take()) {
      if (this.#lane.admit(given.translation, given.admission, nowMs) && this.#lane.txCount > 0) send();
    }
  }

  /** Tells the host what the last burst wants. */
  tellWanted(): void {
    const wanted = this.#lane.wanted();
    if (wanted.length > 0) this.#tell(wanted);
  }
}
