// How an interception of either kind ends: what it did is undone, or left to the one that takes over.
import { DeviceError, type SweepReport } from "@bunnel/device";
import type { Family } from "./policy.ts";
import type { Session } from "./session.ts";

export abstract class HeldInterception implements Disposable {
  readonly swept: SweepReport;
  readonly families: readonly Family[];
  readonly #session: Session;
  readonly #changes: DisposableStack;
  readonly #undo: DisposableStack;

  /**
   * @param changes what was done to the network; of `undo`
   * @param undo all that there is to undo
   */
  constructor(session: Session, changes: DisposableStack, undo: DisposableStack) {
    this.swept = session.swept;
    this.families = session.families;
    this.#session = session;
    this.#changes = changes;
    this.#undo = undo;
  }

  /** @throws DeviceError E_DEVICE_STATE behind the end */
  protected mustLast(call: string): void {
    if (this.#undo.disposed) throw new DeviceError("E_DEVICE_STATE", `interception: ${call} after close`);
  }

  close(): void {
    if (!this.#undo.disposed) this.#session.inside(() => this.#undo.dispose());
  }

  release(): void {
    if (this.#undo.disposed) return;
    // What was done stays as it is: the next interception takes it over.
    if (this.#session.killSwitch) this.#changes.move();
    this.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
