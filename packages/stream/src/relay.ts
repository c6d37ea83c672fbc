// A relay, seen from the thread that opens it. What it does happens in a thread of its own: `loop/relay-loop.ts`.
import { lookup } from "node:dns/promises";
import type { Profile } from "@bunnel/profile";
import { StreamError } from "./errors.ts";
import { Counters } from "./loop/counters.ts";
import { KEEP_ALIVE_SECONDS, setOutside } from "./loop/outside.ts";
import { ToldMessages } from "./loop/told-messages.ts";
import { Outbox } from "./own-table/hand-over.ts";
import { portChoice } from "./own-table/port-choice.ts";
import { setPortChoice, setReusePort } from "./own-table/sys.ts";
import type { FromRelay, RelayStart, ToRelay } from "./protocol.ts";
import type { Reached, RelayFlow, RelayMessage, RelayOptions, RelayStats, SocketAddress } from "./relay-options.ts";
import type { ResolveName } from "./relay-options.ts";
import { relayRules } from "./rules.ts";
import { familyOf, readSockaddr, SOCKADDR_MAX_BYTES, sockaddrOf } from "./socket-address.ts";
import { defaultForm, socketsOf } from "./sockets/of-form.ts";
import type { Sockets, StreamForm } from "./sockets/sockets.ts";
import { SpareThread } from "./spare-thread.ts";
import { AF_INET6 } from "./sys.ts";

export type * from "./relay-options.ts";

const THREADS = new SpareThread(new URL("./relay.worker.ts", import.meta.url));
const FLOWS_DEFAULT = 16_384;
const CONNECT_TIMEOUT_MS = 20_000;
const MESSAGE_TIMEOUT_MS = 1000;
/** Two sockets for each flow, and what the rest of the process needs: pipes, files, libraries. */
const DESCRIPTORS_PER_FLOW = 2;
const DESCRIPTORS_BESIDE = 256;
/** What somaxconn of socket(7) is where nobody changed it. */
const BACKLOG = 4096;

/** Starts the thread of the next relay ahead, so that it loads its code while others are at work. */
export function startSpareRelay(): void {
  THREADS.start();
}

export class StreamRelay implements Disposable {
  /** What was bound. */
  readonly address: SocketAddress;
  /** Flows at a time: what was asked for, or what the process may have descriptors for. */
  readonly maxFlows: number;
  /** Resolves when the relay has let go of everything; with an error when that was not asked for. */
  readonly closed: Promise<Error | undefined>;
  /** Resolves when its thread runs; what comes before waits for it. Rejects when it cannot. */
  readonly ready: Promise<void>;
  #worker: Worker | undefined;
  readonly #port: MessagePort;
  /** What the thread is started with; undefined: it was. */
  #start: RelayStart | undefined;
  /** Undefined: its thread has the descriptors of this one. */
  readonly #outbox: Outbox | undefined;
  /** -1: closed, or left to its thread. */
  readonly #descriptors: { listener: number; signal: number };
  readonly #counters = new Counters();
  readonly #told: ToldMessages | undefined;
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<Error | undefined>();
  readonly #questions = new Map<number, (flows: readonly RelayFlow[]) => void>();
  readonly #wishes = new Map<number, (reached: Reached) => void>();
  #left: readonly number[] = [];
  #bindTo: string | undefined;
  #asked = 0;
  #isOpen = true;

  /**
   * Listens, and carries on what comes, until it is closed.
   * @throws StreamError E_STREAM_UNSUPPORTED on a system whose sockets it does not know, or that lacks the form
   * @throws StreamError E_STREAM_OPTION without `originalDestination` for translated connections, or where sockets
   * cannot be marked or bound as `mark` and `bindTo` want it
   * @throws StreamError E_STREAM_LISTEN when the address cannot be listened on
   * @throws ProfileError E_RULES_LIMIT when the profile has more rules, names or addresses than a table holds
   */
  static open(options: RelayOptions): StreamRelay {
    if (options.accept === "translated" && options.originalDestination === undefined) {
      throw new StreamError("E_STREAM_OPTION", "relay: expected originalDestination with translated connections");
    }
    const form = options.form ?? defaultForm();
    const sockets = socketsOf(form, options.system);
    if (options.late === true && options.accept !== "translated") {
      throw new StreamError("E_STREAM_OPTION", "relay: expected translated connections where its thread starts late");
    }
    if (options.sharedBy !== undefined && form !== "native") {
      throw new StreamError("E_STREAM_OPTION", `relay: a table of its own: expected the native form, found ${form}`);
    }
    const refused = sockets.refusalOf(options);
    if (refused !== undefined) throw new StreamError("E_STREAM_OPTION", `relay: ${refused}`);
    return new StreamRelay(options, form, sockets);
  }

  private constructor(
    private readonly options: RelayOptions,
    private readonly form: StreamForm,
    private readonly sockets: Sockets,
  ) {
    const rules = relayRules(options.profile, form);
    const { fd, address } = listen(options, sockets);
    this.address = address;
    this.#bindTo = options.bindTo;
    this.maxFlows = affordable(options.maxFlows ?? FLOWS_DEFAULT, sockets);
    this.#outbox = options.sharedBy === undefined ? undefined : new Outbox();
    this.#told = options.tellsMessages === true ? new ToldMessages() : undefined;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.closed = this.#ended.promise;
    this.ready = this.#ready.promise;
    // Nobody may be waiting for it; `closed` carries the cause.
    this.ready.catch(() => undefined);
    this.#descriptors = { listener: fd, signal: sockets.openSignal() };
    this.#start = {
      port: port2,
      form,
      system: options.system,
      ...this.#descriptors,
      inbox: this.#outbox?.inbox,
      isLate: options.late === true,
      address: address.address,
      counters: this.#counters.memory,
      told: this.#told?.memory,
      accept: options.accept,
      user: options.user,
      rules,
      mark: options.mark,
      bindTo: options.bindTo,
      maxFlows: this.maxFlows,
      idleTimeoutMs: options.idleTimeoutMs ?? options.profile.limits.flowTimeoutSeconds * 1000,
      connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      messageTimeoutMs: options.messageTimeoutMs ?? MESSAGE_TIMEOUT_MS,
      datagrams: options.datagrams,
    };
    if (options.late !== true) this.start();
  }

  /** Starts its thread, where that is still to be done. */
  start(): void {
    const start = this.#start;
    if (start === undefined || !this.#isOpen) return;
    this.#start = undefined;
    const worker = THREADS.take();
    this.#worker = worker;
    worker.addEventListener("message", ({ data }: MessageEvent<FromRelay>) => this.#hear(data));
    worker.addEventListener("close", () => this.#closeLeft());
    worker.addEventListener("error", ({ message }) => this.#end(new Error(`relay: its thread failed: ${message}`)));
    worker.postMessage(start, [start.port]);
  }

  get stats(): RelayStats {
    return this.#counters.read();
  }

  /** The messages that were treated since the last call, where `tellsMessages` is set; 256 wait at most. */
  takeMessages(): readonly RelayMessage[] {
    return this.#told?.take() ?? [];
  }

  /**
   * Another profile for the messages that come from now on.
   * @throws ProfileError as `open`; the one before then stays
   */
  load(profile: Profile): void {
    this.#say({ say: "rules", rules: relayRules(profile, this.form) });
  }

  /**
   * Another interface for the sockets to the outside that are opened from now on: the way out of this machine has
   * changed. Those that are open stay where they are. See `bindTo` of the options.
   */
  bind(bindTo: string): void {
    this.#bindTo = bindTo;
    this.#say({ say: "bind", bindTo });
  }

  /** The flows of this moment; none once it is closed. */
  flows(): Promise<readonly RelayFlow[]> {
    if (!this.#isOpen) return Promise.resolve([]);
    const { promise, resolve } = Promise.withResolvers<readonly RelayFlow[]>();
    this.#asked += 1;
    this.#questions.set(this.#asked, resolve);
    this.#say({ say: "flows", question: this.#asked });
    return promise;
  }

  /**
   * Tries to reach a destination before its client is let through: the connection is kept for the one that will come
   * from `peer`. The socket is opened and marked in the calling thread, whose rights may be more than the relay's.
   * @param client whose SYN it is, by which a connection is known that has come round
   */
  reach(destination: SocketAddress, peer: SocketAddress, client?: SocketAddress): Promise<Reached> {
    if (!this.#isOpen) return Promise.resolve("refused");
    const family = familyOf(destination.address);
    const fd = this.sockets.streamSocket(family);
    if (fd < 0) return Promise.resolve("refused");
    // What listens on this machine is reached by no interface to the outside.
    const bindTo = isLoopback(destination.address) ? undefined : this.#bindTo;
    if (setOutside(fd, family, { mark: this.options.mark, bindTo }, "stream", this.sockets) !== 0) {
      this.sockets.closeFile(fd);
      return Promise.resolve("refused");
    }
    this.start();
    const { promise, resolve } = Promise.withResolvers<Reached>();
    this.#asked += 1;
    const question = this.#asked;
    this.#wishes.set(question, resolve);
    const wish = { say: "reach", question, destination, peer, client } as const;
    if (this.#outbox === undefined) this.#say({ ...wish, fd });
    else void this.#handOver(this.#outbox, fd, wish);
    return promise;
  }

  /** Stops listening, ends every flow by RST and waits for nobody; `closed` says when that is done. */
  close(): void {
    if (!this.#isOpen) return;
    if (this.#start !== undefined) return this.#end(undefined);
    this.#say({ say: "close" });
    this.#isOpen = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #say(message: ToRelay): void {
    if (!this.#isOpen) return;
    this.#port.postMessage(message);
    this.sockets.raiseSignal(this.#descriptors.signal);
  }

  async #handOver(outbox: Outbox, fd: number, wish: Omit<Wanted, "fd">): Promise<void> {
    if (await outbox.send(fd, wish.question)) return this.#say({ ...wish, fd: -1 });
    this.#wishes.get(wish.question)?.("refused");
    this.#wishes.delete(wish.question);
  }

  #hear(message: FromRelay): void {
    switch (message.say) {
      case "apart":
        this.#left = message.left;
        return;
      case "ready":
        // A thread with a table of its own has copies of these.
        this.#outbox?.taken();
        if (this.#outbox) this.#closeOwn("listener");
        this.#ready.resolve();
        return;
      case "destination":
        this.#say({ ...message, found: this.options.originalDestination?.(message.peer) });
        return;
      case "name":
        void this.#resolve(message.question, message.name);
        return;
      case "flows":
        this.#questions.get(message.question)?.(message.flows);
        this.#questions.delete(message.question);
        return;
      case "reached":
        this.#wishes.get(message.question)?.(message.reached);
        this.#wishes.delete(message.question);
        return;
      case "ended":
        return this.#end(undefined);
      case "failed":
        return this.#end(new Error(`relay: ${message.message}`));
    }
  }

  #closeOwn(which: "listener" | "signal"): void {
    if (this.#descriptors[which] >= 0) this.sockets.closeFile(this.#descriptors[which]);
    this.#descriptors[which] = -1;
  }

  /** What the run-time of its thread, which has ended, could close in the thread's own table alone. */
  #closeLeft(): void {
    for (const fd of this.#left) this.sockets.closeFile(fd);
    this.#left = [];
  }

  async #resolve(question: number, name: string): Promise<void> {
    const resolve = this.options.resolve ?? resolveBySystem;
    const addresses = await resolve(name).catch(() => []);
    this.#say({ say: "name", question, addresses });
  }

  #end(error: Error | undefined): void {
    this.#isOpen = false;
    // A thread that shares this one's descriptors has closed them.
    if (this.#worker === undefined || this.#outbox) {
      this.#closeOwn("listener");
      this.#closeOwn("signal");
    }
    this.#outbox?.close();
    for (const resolve of this.#questions.values()) resolve([]);
    this.#questions.clear();
    for (const resolve of this.#wishes.values()) resolve("refused");
    this.#wishes.clear();
    this.#port.close();
    this.#worker?.terminate();
    this.#ready.reject(error ?? new StreamError("E_STREAM_SYSTEM", "relay: closed before it ran"));
    this.#ended.resolve(error);
  }
}

/** What is said to reach a server. */
type Wanted = Extract<ToRelay, { readonly say: "reach" }>;

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

const resolveBySystem: ResolveName = async (name) => (await lookup(name, { all: true })).map(({ address }) => address);

/** Flows that the process may have descriptors for, of those wanted. */
function affordable(wanted: number, sockets: Sockets): number {
  const descriptors = sockets.raiseFileLimit(wanted * DESCRIPTORS_PER_FLOW + DESCRIPTORS_BESIDE);
  return Math.min(wanted, Math.floor((descriptors - DESCRIPTORS_BESIDE) / DESCRIPTORS_PER_FLOW));
}

function listen(
  { listen: wanted, accept, sharedBy }: RelayOptions,
  sockets: Sockets,
): { readonly fd: number; readonly address: SocketAddress } {
  sockets.prepare();
  const sockaddr = sockaddrOf(wanted);
  const family = familyOf(wanted.address);
  const fd = sockets.streamSocket(family);
  if (fd < 0) throw listenError(wanted, sockets.errno());
  sockets.setReuse(fd);
  if (family === AF_INET6) sockets.setIpv6Only(fd);
  // The device that has the address may still be on its way up.
  if (accept === "translated") sockets.setFreeBind(fd);
  // What is accepted has it, too.
  sockets.setKeepAlive(fd, KEEP_ALIVE_SECONDS);
  const bound = new Uint8Array(SOCKADDR_MAX_BYTES);
  const error =
    (sharedBy === undefined ? 0 : setReusePort(fd)) ||
    sockets.bindTo(fd, sockaddr) ||
    sockets.listenOn(fd, BACKLOG) ||
    (sharedBy === undefined ? 0 : setPortChoice(fd, portChoice(family === AF_INET6, sharedBy))) ||
    sockets.localAddress(fd, bound);
  if (error === 0) return { fd, address: readSockaddr(bound) };
  sockets.closeFile(fd);
  throw listenError(wanted, error);
}

function listenError({ address, port }: SocketAddress, error: number): StreamError {
  return new StreamError("E_STREAM_LISTEN", `relay: ${address} port ${port} could not be listened on`, error);
}
