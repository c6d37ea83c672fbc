// The service at work in a network namespace of its own, and programs beside it there.
import { run, PROGRAM, type Ran, type TempFolder } from "./run.ts";

/** A veth pair with a default route over it. */
export const WITH_UPLINK = [
  "ip link set lo up",
  "ip link add up0 type veth peer name up1",
  "ip address add 203.0.113.2/24 dev up0",
  "ip -6 address add 2001:db8::2/64 dev up0 nodad",
  "ip link set up0 up",
  "ip link set up1 up",
  "ip route add default via 203.0.113.1",
  "ip -6 route add default via 2001:db8::1",
].join(" && ");

const WAIT_MS = 20_000;
const LOOK_EVERY_MS = 20;

export class RunningService implements AsyncDisposable {
  #out = "";
  #err = "";
  readonly #heard: Promise<unknown>;

  private constructor(
    readonly folder: TempFolder,
    readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">,
  ) {
    this.#heard = Promise.all([
      hear(child.stdout, (text) => (this.#out += text)),
      hear(child.stderr, (text) => (this.#err += text)),
    ]);
  }

  /** Starts `bunnel up` with these arguments and waits until it says that it is up. */
  static async start(
    folder: TempFolder,
    args: readonly string[] = [],
    unshare: readonly string[] = ["-n"],
  ): Promise<RunningService> {
    const up = [...PROGRAM, "up", "--json", "--state-dir", folder.file("state"), ...args];
    const words = ["unshare", ...unshare, "sh", "-c", `${WITH_UPLINK} && exec "$@"`, "sh", ...up];
    const child = Bun.spawn(words, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const service = new RunningService(folder, child);
    await service.until(() => service.said.length > 0 || child.exitCode !== null);
    if (service.said.length === 0) throw new Error(`bunnel up ended with ${child.exitCode}: ${service.#err}`);
    return service;
  }

  get pid(): number {
    return this.child.pid;
  }

  /** What it has printed, each line a value. */
  get said(): Readonly<Record<string, unknown>>[] {
    const lines = this.#out.split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  get err(): string {
    return this.#err;
  }

  /** Runs a command in the service's namespace. */
  inside(command: readonly string[]): Promise<Ran> {
    return run(["nsenter", "-t", String(this.pid), "-n", ...command]);
  }

  /** Runs `bunnel` beside the service. */
  bunnel(args: readonly string[]): Promise<Ran> {
    return this.inside([...PROGRAM, ...args, "--state-dir", this.folder.file("state")]);
  }

  /** The same with `--json`, its answer as a value. @throws Error with what it said instead */
  async json(args: readonly string[]): Promise<unknown> {
    const { status, out, err } = await this.bunnel([...args, "--json"]);
    if (status !== 0) throw new Error(`bunnel ${args.join(" ")}: status ${status}, ${err}`);
    return JSON.parse(out);
  }

  async until(condition: () => boolean): Promise<void> {
    const end = performance.now() + WAIT_MS;
    while (!condition()) {
      if (performance.now() > end) throw new Error(`nothing happened in ${WAIT_MS} ms: ${this.#out}${this.#err}`);
      await Bun.sleep(LOOK_EVERY_MS);
    }
  }

  /** Ends it with a signal and returns its status. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    this.child.kill(signal);
    const status = await this.child.exited;
    await this.#heard;
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.end();
  }
}

async function hear(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }));
}
