// A program that runs beside the benchmark and talks in lines.
import type { Subprocess } from "bun";
import type { Namespace } from "./namespace.ts";

export interface ChildOptions {
  readonly namespace?: Namespace;
  /** The one processor that all its threads run on. Default: any. */
  readonly cpu?: number;
  /** Goes before all ordinary programs of its processor, the higher before the lower, where the system allows it. */
  readonly priority?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

const LINE_TIMEOUT_MS = 30_000;
/** The kernel ends the program when the benchmark ends, whatever ended that; the setting outlives each exec. */
const DIE_WITH_US = ["setpriv", "--pdeathsig", "KILL"];

export class Child {
  readonly #process: Subprocess<"pipe", "pipe", "pipe">;
  readonly #lines: AsyncIterator<string>;
  readonly #command: string;
  #errors = "";

  constructor(command: readonly string[], { namespace, cpu, priority, environment }: ChildOptions = {}) {
    const first = priority === undefined ? [...command] : [...beforeOthers(priority), ...command];
    const pinned = cpu === undefined ? first : ["taskset", "-c", String(cpu), ...first];
    const placed = namespace === undefined ? pinned : namespace.inside(pinned);
    this.#command = command.join(" ");
    this.#process = Bun.spawn([...DIE_WITH_US, ...placed], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, ...environment },
    });
    this.#lines = linesOf(this.#process.stdout);
    void this.#collectErrors();
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The next line that it prints. @throws Error with what it said on stderr when it ends or stays silent instead */
  async line(): Promise<string> {
    const late = Promise.withResolvers<"late">();
    const timer = setTimeout(() => late.resolve("late"), LINE_TIMEOUT_MS);
    const next = await Promise.race([this.#lines.next(), late.promise]);
    clearTimeout(timer);
    if (next === "late") throw new Error(`${this.#command}: no line within ${LINE_TIMEOUT_MS} ms\n${this.#errors}`);
    if (next.done === true) throw new Error(`${this.#command}: ended\n${this.#errors}`);
    return next.value;
  }

  /** Waits for the line "ready". */
  async ready(): Promise<this> {
    const line = await this.line();
    if (line !== "ready") throw new Error(`${this.#command}: expected "ready", found "${line}"`);
    return this;
  }

  /** The next line, read as JSON. */
  async json(): Promise<Readonly<Record<string, number>>> {
    return JSON.parse(await this.line()) as Record<string, number>;
  }

  /** Sends a line and reads the answer. */
  async ask(line: string): Promise<Readonly<Record<string, number>>> {
    await this.#process.stdin.write(`${line}\n`);
    await this.#process.stdin.flush();
    return this.json();
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Waits until it has ended; its exit code. */
  ended(): Promise<number> {
    return this.#process.exited;
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  async #collectErrors(): Promise<void> {
    for await (const line of linesOf(this.#process.stderr)) this.#errors += `${line}\n`;
  }
}

/** What else runs on a loaded machine takes neither its turn nor its cache from a program that goes first. */
function beforeOthers(priority: number): readonly string[] {
  const words = ["chrt", "--rr", String(priority)];
  mayGoFirst ??= Bun.which("chrt") !== null && Bun.spawnSync([...words, "true"]).exitCode === 0;
  return mayGoFirst ? words : [];
}

let mayGoFirst: boolean | undefined;

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
