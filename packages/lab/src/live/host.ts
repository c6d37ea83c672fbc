// One machine of a lab: a network namespace without a name, and the processes in it.
import type { NetworkNamespace } from "@bunnel/tun-linux";
import type { HostRole } from "./address-plan.ts";
import { type Calls, Caller } from "./calls.ts";
import { LabError } from "./errors.ts";

export interface RunOptions {
  readonly stdin?: Uint8Array;
  /** The command is killed after this time. Default 30 000. */
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunResult {
  /** Exit status; 128 + signal number when a signal ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SpawnOptions {
  /** An open file that the command finds as descriptor 3. */
  readonly file?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export type PipedProcess = Bun.Subprocess<"pipe", "pipe", "pipe">;

const RUN_TIMEOUT_MS = 30_000;

export class LabHost implements AsyncDisposable {
  readonly #children = new Set<Bun.Subprocess>();
  #closed = false;

  constructor(
    readonly role: HostRole,
    readonly namespace: NetworkNamespace,
  ) {}

  /** Runs a function with this thread inside the namespace. It must not await anything. */
  inside<T>(work: () => T): T {
    return this.namespace.run(work);
  }

  /** Starts a command that dies with this process; standard input, output and error are pipes. */
  spawn(command: readonly string[], options: SpawnOptions = {}): PipedProcess {
    return this.#start(command, options, "pipe", "pipe");
  }

  /** Starts one of the lab's own children; what it says on standard error goes to ours. */
  async open<C extends Calls>(command: readonly string[]): Promise<Caller<C>> {
    return Caller.open<C>(`${this.role} process`, this.#start(command, {}, "pipe", "inherit"));
  }

  /** Runs a command to its end. */
  async run(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    // Given as a whole, it becomes a file that the command can also open by name; a pipe of this run-time cannot be.
    const child = this.#start(command, options, options.stdin ?? "ignore", "pipe");
    const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? RUN_TIMEOUT_MS);
    try {
      const [stdout, stderr, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      return { status, stdout, stderr };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Kills what still runs here and lets go of the namespace; with its last process it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const children = [...this.#children];
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => child.exited));
    this.namespace.close();
  }

  #start<I extends "pipe" | "ignore" | Uint8Array, E extends "pipe" | "inherit">(
    command: readonly string[],
    options: SpawnOptions,
    stdin: I,
    stderr: E,
  ): Bun.Subprocess<I, "pipe", E> {
    if (this.#closed) {
      throw new LabError("E_LAB_STATE", `${this.role} of the lab: expected open, found closed`);
    }
    const stdio = options.file === undefined ? [stdin, "pipe", stderr] : [stdin, "pipe", stderr, options.file];
    const child = this.inside<unknown>(() =>
      Bun.spawn([...dieWithUs(), ...command], {
        stdio: stdio as [I, "pipe", E],
        env: { ...process.env, ...options.env },
      }),
    ) as Bun.Subprocess<I, "pipe", E>;
    this.#children.add(child);
    void child.exited.then(() => this.#children.delete(child));
    return child;
  }
}

let wrapper: readonly string[] | undefined;

/**
 * The kernel kills the command when this process ends, however it ends (prctl(2), PR_SET_PDEATHSIG): `setpriv` of
 * util-linux sets that for any command. Where it is missing or knows no such option, our own children do it
 * themselves and others end with their own limits.
 */
function dieWithUs(): readonly string[] {
  if (wrapper === undefined) {
    const path = Bun.which("setpriv");
    const command = path === null ? [] : [path, "--pdeathsig", "KILL", "--"];
    const works = path !== null && Bun.spawnSync([...command, "true"], { stderr: "ignore" }).success;
    wrapper = works ? command : [];
  }
  return wrapper;
}
