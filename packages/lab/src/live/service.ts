// The program under test, as it runs on the client: `bunnel up` or anything with its manners. It says by one line of
// JSON on standard output that it is up, and by another that it is down.
import { readdirSync, readFileSync } from "node:fs";
import type { LabHost, PipedProcess } from "./host.ts";
import { openProfile } from "./profile-file.ts";
import { LabError } from "./errors.ts";

export interface ServiceOrder {
  /** One strategy for every host, in the notation. */
  readonly strategy?: string;
  /** A whole profile (TOML) instead. */
  readonly profile?: string;
  readonly method?: "auto" | "nft" | "rules";
  /**
   * Where the service keeps its state. Default: a file system of its own that ends with it, so that even a killed lab
   * leaves no file behind.
   */
  readonly stateDir?: string;
  /** Further words of its command line. */
  readonly words?: readonly string[];
}

/** What the service says when it is up or down; its statistics among others. */
export type ServiceReport = Readonly<Record<string, unknown>>;

const START_MS = 60_000;
/**
 * A kernel keeps who closes a TUN device waiting until all that refers to it is gone ("unregister_netdevice: waiting
 * for … to become free"): a connection over IPv6 whose process has ended can take a minute or three for that.
 */
const STOP_MS = 150_000;
const KILLED_MS = 20_000;

/**
 * Gives a command a /run and a /var/lib of its own (mount_namespaces(7)); what comes after is the command. Without -n,
 * mount(8) would first make a folder for its own notes in the /run of everybody.
 */
const MOUNTS = "mount -n -t tmpfs tmpfs /run && { [ ! -d /var/lib ] || mount -n -t tmpfs tmpfs /var/lib; }";
const PRIVATE_RUN = ["unshare", "--mount", "--", "sh", "-c", `${MOUNTS} && exec "$@"`, "sh"];

export class Service implements AsyncDisposable {
  readonly #words: AsyncIterator<ServiceReport>;

  private constructor(
    private readonly process: PipedProcess,
    words: AsyncIterator<ServiceReport>,
    /** What it said when it was up. */
    readonly report: ServiceReport,
  ) {
    this.#words = words;
  }

  /**
   * Starts it and waits until it carries traffic.
   * @throws LabError E_LAB_SERVICE with its own words when it ends before that
   */
  static async start(client: LabHost, command: readonly string[], order: ServiceOrder): Promise<Service> {
    using profile = order.profile === undefined ? undefined : openProfile(order.profile);
    const words = [
      ...["up", "--json"],
      ...(order.strategy === undefined ? [] : ["--strategy", order.strategy]),
      ...(profile === undefined ? [] : ["--profile", profile.childPath]),
      ...(order.method === undefined ? [] : ["--method", order.method]),
      ...(order.stateDir === undefined ? [] : ["--state-dir", order.stateDir]),
      ...(order.words ?? []),
    ];
    const wrapper = order.stateDir === undefined ? PRIVATE_RUN : [];
    const child = client.spawn([...wrapper, ...command, ...words], profile === undefined ? {} : { file: profile.fd });
    const reports = readReports(child.stdout);
    const first = await withTimeout(reports.next(), START_MS);
    if (first !== undefined && first.done !== true) return new Service(child, reports, first.value);
    child.kill("SIGKILL");
    const [stderr, status] = await Promise.all([child.stderr.text(), child.exited]);
    throw new LabError(
      "E_LAB_SERVICE",
      `service ended with status ${status} before it was up: ${stderr.trim() || "it said nothing"}`,
    );
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Asks it to end and waits for that. Returns its exit status and its last report. */
  async stop(signal: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<{ status: number; report: ServiceReport | undefined }> {
    this.process.kill(signal);
    const status = await withTimeout(this.process.exited, STOP_MS);
    if (status === undefined) {
      const where = whereItIs(this.pid);
      await withTimeout(this.kill(), KILLED_MS);
      throw new LabError("E_LAB_SERVICE", `service did not end within ${STOP_MS} ms of ${signal}: ${where}`);
    }
    const last = await this.#words.next();
    return { status, report: last.done === true ? undefined : last.value };
  }

  /** Waits until it ends by itself; returns its status and what it said on standard error. */
  async ended(): Promise<{ status: number; words: string }> {
    const [words, status] = await Promise.all([this.process.stderr.text(), this.process.exited]);
    return { status, words };
  }

  /** Stops the process as a suspended machine does, or lets it go on. */
  suspend(on: boolean): void {
    this.process.kill(on ? "SIGSTOP" : "SIGCONT");
  }

  /** kill -9: it can put nothing back. */
  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.stop();
  }
}

/** What each thread of a process waits for in the kernel: proc(5), comm, wchan. */
function whereItIs(pid: number): string {
  try {
    const threads = readdirSync(`/proc/${pid}/task`).map((thread) =>
      ["comm", "wchan"].map((name) => readFileSync(`/proc/${pid}/task/${thread}/${name}`, "utf8").trim()).join(" in "),
    );
    return threads.join(", ");
  } catch (error) {
    return String(error);
  }
}

async function* readReports(stdout: ReadableStream<Uint8Array>): AsyncGenerator<ServiceReport> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stdout) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as ServiceReport;
  }
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: Timer | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, timeoutMs, undefined)));
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
