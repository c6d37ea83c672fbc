// When the network was last heard, and by which flow: what tells a box from a network that is down.

/** What is heard so soon behind a message may have been on its way when the network went down. */
export const LIFE_BEHIND_MS = 500;

export class SignsOfLife {
  /** The last two flows that were heard are enough: one of them is another than the one in doubt. */
  #last: readonly { readonly flow: string; readonly at: number }[] = [];

  /** Something came on a flow. */
  note(flow: string, at: number): void {
    const other = this.#last.find((life) => life.flow !== flow);
    this.#last = other === undefined ? [{ flow, at }] : [{ flow, at }, other];
  }

  /** Whether another flow was heard behind a message. */
  isOtherHeard(flow: string, sentAt: number): boolean {
    return this.#last.some((life) => life.flow !== flow && life.at >= sentAt + LIFE_BEHIND_MS);
  }
}
