// Pipes through which octets pass from socket to socket without entering the process. A channel borrows one while
// octets lie in it, so that a few are enough for many flows.
import { closeFile } from "../sockets/current.ts";
import { openPipe } from "../sys.ts";

/** Octets that a pipe is asked to hold: pipe-max-size of pipe(7) is 1 MiB where nobody changed it. */
const PIPE_BYTES = 1 << 20;
/** Without privileges a user's pipes share 64 MiB (pipe-user-pages-soft), which is as many of these. */
const PIPES_MAX = 64;

export interface Pipe {
  readonly reading: number;
  readonly writing: number;
  readonly bytes: number;
}

export class Pipes implements Disposable {
  readonly #free: Pipe[] = [];
  #open = 0;

  /** @param most at a time; 0: octets are copied instead */
  constructor(private readonly most: number = PIPES_MAX) {}

  /** An empty one; undefined: all are in use. */
  take(): Pipe | undefined {
    const free = this.#free.pop();
    if (free !== undefined || this.#open >= this.most) return free;
    const ends = openPipe(PIPE_BYTES);
    if (ends === undefined) return undefined;
    this.#open += 1;
    return { reading: ends[0], writing: ends[1], bytes: ends[2] };
  }

  /** Gives one back that is empty. */
  give(pipe: Pipe): void {
    this.#free.push(pipe);
  }

  /** Throws one away with what is in it. */
  discard(pipe: Pipe): void {
    this.#open -= 1;
    closeFile(pipe.reading);
    closeFile(pipe.writing);
  }

  [Symbol.dispose](): void {
    for (const pipe of this.#free.splice(0)) this.discard(pipe);
  }
}
