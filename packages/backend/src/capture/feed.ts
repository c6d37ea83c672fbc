// The host's end of all lanes' rings.
import { CaptureLevel, type CaptureRecord, type CaptureRing } from "./ring.ts";

/** Copies of packets before and after the engine, for as long as somebody wants them. */
export class CaptureFeed {
  #lostBefore = 0;

  /** @param ruleOf index of the profile's rule for one of the rule table */
  constructor(
    readonly rings: readonly CaptureRing[],
    readonly ruleOf: (tableRule: number) => number | undefined,
  ) {}

  get level(): CaptureLevel {
    return this.rings[0]?.level ?? CaptureLevel.Off;
  }

  /** What is copied from now on. Off costs nothing. */
  set level(level: CaptureLevel) {
    if (this.level === CaptureLevel.Off) this.#lostBefore = this.#lostAll();
    for (const ring of this.rings) ring.level = level;
  }

  /** Copies that found no room since it was switched on. */
  get lost(): number {
    return this.#lostAll() - this.#lostBefore;
  }

  /**
   * What was copied since the last call, of each queue in order; stops after so many octets. Rules are indexes of the
   * profile in force, -1 for none.
   */
  take(maxBytes: number): CaptureRecord[] {
    const records: CaptureRecord[] = [];
    let left = maxBytes;
    for (const ring of this.rings) {
      if (left <= 0) break;
      left -= ring.read(left, (record) => records.push({ ...record, rule: this.#profileRule(record.rule) }));
    }
    return records;
  }

  /** True as soon as something waits to be taken; false when the time is over, or somebody called `wake`. */
  written(timeoutMs: number): Promise<boolean> {
    return Promise.race(this.rings.map((ring) => ring.written(timeoutMs)));
  }

  /** Ends the wait. */
  wake(): void {
    for (const ring of this.rings) ring.wake();
  }

  #profileRule(rule: number): number {
    return rule < 0 ? -1 : (this.ruleOf(rule) ?? -1);
  }

  #lostAll(): number {
    return this.rings.reduce((sum, ring) => sum + ring.lost, 0);
  }
}
