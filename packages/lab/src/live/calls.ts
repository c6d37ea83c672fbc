// How a lab talks to the processes that it starts in its namespaces: one JSON object per line, requests on their
// standard input, answers on their standard output. The end of standard input ends the process.
import { dieWithParent } from "@bunnel/tun-linux";
import { LabError } from "./errors.ts";

/** What a child process can be asked: name, one argument, result. All of it must survive JSON. */
export type Calls = Record<string, (argument: never) => unknown>;
export type Argument<C extends Calls, N extends keyof C> = Parameters<C[N]>[0];
export type Result<C extends Calls, N extends keyof C> = Awaited<ReturnType<C[N]>>;

interface Request {
  readonly id: number;
  readonly call: string;
  readonly argument: unknown;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** The answer with this number is not asked for: it says that the process is ready. */
const READY_ID = 0;

/** A process as its lab reads and writes it. */
export interface CallPipe {
  readonly stdin: { write(text: string): unknown; flush(): unknown };
  readonly stdout: ReadableStream<Uint8Array>;
  readonly exited: Promise<number>;
}

/** The asking side. */
export class Caller<C extends Calls> {
  #next = READY_ID + 1;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #ended: Error | undefined;

  private constructor(
    private readonly title: string,
    private readonly pipe: CallPipe,
  ) {}

  /**
   * Waits until the process says that it is ready.
   * @throws LabError E_LAB_CHILD when it ends before; its own message went to standard error
   */
  static async open<C extends Calls>(title: string, pipe: CallPipe): Promise<Caller<C>> {
    const caller = new Caller<C>(title, pipe);
    const ready = Promise.withResolvers<unknown>();
    caller.#waiting.set(READY_ID, ready);
    void caller.#readAnswers();
    await ready.promise;
    return caller;
  }

  /** @throws LabError E_LAB_CHILD with the child's message when the call failed there, or when the child is gone */
  async call<N extends keyof C & string>(call: N, argument: Argument<C, N>): Promise<Result<C, N>> {
    if (this.#ended) throw this.#ended;
    const request: Request = { id: this.#next++, call, argument };
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(request.id, waiting);
    this.pipe.stdin.write(`${JSON.stringify(request)}\n`);
    this.pipe.stdin.flush();
    return (await waiting.promise) as Result<C, N>;
  }

  async #readAnswers(): Promise<void> {
    for await (const line of lines(this.pipe.stdout)) {
      const answer = JSON.parse(line) as Answer;
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.error === undefined) waiting?.resolve(answer.result);
      else waiting?.reject(new LabError("E_LAB_CHILD", `${this.title}: ${answer.error}`));
    }
    this.#ended = new LabError("E_LAB_CHILD", `${this.title} ended with status ${await this.pipe.exited}`);
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended);
    this.#waiting.clear();
  }
}

/**
 * The answering side: binds the process to the life of its parent, says that it is ready and answers until standard
 * input ends; then ends the process.
 */
export async function answerCalls(calls: Calls): Promise<never> {
  const table = calls as Record<string, (argument: unknown) => unknown>;
  const tell = (answer: Answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
  tell({ id: READY_ID });
  for await (const line of lines(Bun.stdin.stream())) {
    const { id, call, argument } = JSON.parse(line) as Request;
    void perform(id, () => table[call]?.(argument)).then(tell);
  }
  process.exit(0);
}

/** To be called first in every child: it shall not outlive the lab, however the lab ends. */
export function bindToParent(): void {
  dieWithParent();
  // An interrupt from the terminal goes to the whole group; the lab alone decides when its children end.
  process.on("SIGINT", () => undefined);
}

async function perform(id: number, work: () => unknown): Promise<Answer> {
  try {
    return { id, result: await work() };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}
