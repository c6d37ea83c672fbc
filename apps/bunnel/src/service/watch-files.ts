// Tells when files change. It looks at them now and then: editors replace files, lists live on other file systems, and
// what the system tells about that differs from place to place.
import { statSync } from "node:fs";

const LOOK_EVERY_MS = 1_000;

/** How a file is now; undefined: it is not there, or may not be looked at. */
function signOf(path: string): string | undefined {
  try {
    const { ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch {
    return undefined;
  }
}

export class FileWatcher implements Disposable {
  #files: readonly string[] = [];
  #seen: readonly (string | undefined)[] = [];
  #told: readonly (string | undefined)[] = [];
  readonly #timer: ReturnType<typeof setInterval>;

  /**
   * Calls `changed` with those that did, once the files have settled: two looks in a row saw the same. How a file is
   * when it is first named is no change.
   */
  constructor(
    readonly files: () => readonly string[],
    readonly changed: (files: readonly string[]) => void,
    everyMs: number = LOOK_EVERY_MS,
  ) {
    this.#look();
    this.#timer = setInterval(() => this.#look(), everyMs);
    this.#timer.unref();
  }

  /** Somebody is about to read the files: how they are now is no news any more, what comes behind it is. */
  mark(): void {
    this.#files = [...this.files()];
    this.#seen = this.#told = this.#files.map(signOf);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const files = this.files();
    const now = files.map(signOf);
    if (!isSame(files, this.#files)) {
      this.#files = [...files];
      this.#seen = this.#told = now;
      return;
    }
    const isSettled = isSame(now, this.#seen);
    this.#seen = now;
    if (!isSettled || isSame(now, this.#told) || now.includes(undefined)) return;
    const changed = files.filter((_file, i) => now[i] !== this.#told[i]);
    this.#told = now;
    this.changed(changed);
  }
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
