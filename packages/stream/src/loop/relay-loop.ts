// The relay's thread: accepts, asks, watches, and lets each flow run when something happened to it.
import { receiveMessageOnPort } from "node:worker_threads";
import type { FromRelay, RelayStart, ToRelay } from "../protocol.ts";
import type { Reached, SocketAddress } from "../relay-options.ts";
import { isAddress, readSockaddr, SOCKADDR_MAX_BYTES } from "../socket-address.ts";
import { acceptFrom, useSockets, clearSignal, closeFile, errno, prepare } from "../sockets/current.ts";
import { addressOf, EINTR, EMFILE, ENFILE } from "../sys.ts";
import { socketsOf } from "../sockets/of-form.ts";
import { Inbox } from "../own-table/hand-over.ts";
import { isPortable } from "../sockets/sockets.ts";
import { Ahead, type AheadConnection, type Wish } from "./ahead.ts";
import { DatagramSessions } from "../datagrams/sessions.ts";
import { Association } from "./association.ts";
import type { ChannelShared } from "./channel.ts";
import { Counters } from "./counters.ts";
import { Flow } from "./flow.ts";
import type { FlowHost } from "./flow-host.ts";
import { Pipes } from "./pipes.ts";
import { Poller } from "./poller.ts";
import { Resets } from "./resets.ts";
import { Timers, type Timer } from "./timers.ts";
import { ToldMessages } from "./told-messages.ts";

const SCRATCH_BYTES = 256 * 1024;
const ACCEPT_MAX = 64;
const SWEEP_MS = 1000;
/** Out of descriptors: somebody has to end first. */
const ACCEPT_PAUSE_MS = 100;

export class RelayLoop implements FlowHost {
  readonly poller: Poller;
  readonly shared: ChannelShared;
  readonly counters: Counters;
  readonly resets = new Resets((ms, act) => this.timer(ms, act));
  readonly accept;
  readonly user;
  readonly mark;
  bindTo;
  readonly connectTimeoutMs;
  readonly messageTimeoutMs;
  readonly ownAddress;
  readonly told: ToldMessages | undefined;
  rules;
  now = performance.now();
  readonly #timers = new Timers();
  readonly #pipes: Pipes;
  readonly #ahead = new Ahead(this);
  readonly #flows = new Set<Flow>();
  #runnable = new Set<Flow>();
  readonly #questions = new Map<number, (answer: never) => void>();
  #asked = 0;
  #sessions: DatagramSessions | undefined;
  /** By the address that their clients send from. */
  readonly #associations = new Map<string, Association>();
  readonly #inbox: Inbox | undefined;
  #isOpen = true;
  readonly #peer = new Uint8Array(SOCKADDR_MAX_BYTES);

  constructor(
    private readonly start: RelayStart,
    private readonly say: (message: FromRelay) => void,
  ) {
    const sockets = socketsOf(start.form, start.system);
    useSockets(sockets);
    prepare();
    this.poller = new Poller();
    this.#pipes = isPortable(sockets) ? new Pipes(0) : new Pipes();
    const scratch = new Uint8Array(SCRATCH_BYTES);
    this.shared = { pipes: this.#pipes, scratch, scratchAt: addressOf(scratch) };
    this.#inbox = start.inbox === undefined ? undefined : new Inbox(start.inbox);
    this.counters = new Counters(start.counters);
    this.told = start.told && new ToldMessages(start.told);
    this.accept = start.accept;
    this.user = start.user;
    this.mark = start.mark;
    this.bindTo = start.bindTo;
    this.connectTimeoutMs = start.connectTimeoutMs;
    this.messageTimeoutMs = start.messageTimeoutMs;
    // A mark keeps sockets out of the tunnel by itself; of an interface it shows in the address.
    const isBound = start.accept === "translated" && start.bindTo !== undefined;
    this.ownAddress = isBound ? start.address : undefined;
    this.rules = start.rules;
  }

  /** Runs until it is told to close. */
  run(): void {
    const { signal, listener } = this.start;
    this.poller.add(signal, { ready: () => this.#listen() });
    this.poller.add(listener, { ready: () => this.#acceptAll() });
    this.#sweep();
    this.say({ say: "ready" });
    while (this.#isOpen) {
      this.poller.wait(this.#runnable.size > 0 ? 0 : this.#timers.wait(performance.now()));
      this.now = performance.now();
      this.#timers.run(this.now);
      const runnable = this.#runnable;
      this.#runnable = new Set();
      for (const flow of runnable) flow.run();
    }
    for (const flow of [...this.#flows]) flow.end("reset");
    this.resets.finish();
    this.#ahead.close();
    this.#sessions?.[Symbol.dispose]();
    this.#ahead.close();
    this.#pipes[Symbol.dispose]();
    this.poller[Symbol.dispose]();
    this.#inbox?.close();
    closeFile(listener);
    closeFile(signal);
  }

  timer(ms: number, act: () => void): Timer {
    return this.#timers.set(performance.now() + ms, act);
  }

  again(flow: Flow): void {
    this.#runnable.add(flow);
  }

  ended(flow: Flow): void {
    const { client } = flow.association ?? {};
    if (client !== undefined) this.#associations.delete(textOf(client));
    this.#flows.delete(flow);
    this.#runnable.delete(flow);
  }

  takeAhead(peer: SocketAddress): AheadConnection | undefined {
    return this.#ahead.size === 0 ? undefined : this.#ahead.take(peer);
  }

  askDestination(peer: SocketAddress, answer: (found: SocketAddress | undefined) => void): void {
    this.say({ say: "destination", question: this.#question(answer), peer });
  }

  askName(name: string, answer: (addresses: readonly string[]) => void): void {
    this.say({ say: "name", question: this.#question(answer), name });
  }

  /** Datagrams of a SOCKS client come to the address that its connection has come to. */
  associate(flow: Flow): Association | undefined {
    const { datagrams, address } = this.start;
    if (datagrams === undefined) return undefined;
    this.#sessions ??= new DatagramSessions(
      {
        protocol: "udp",
        ...datagrams,
        mark: this.mark,
        bindTo: this.bindTo,
        answer: (client, from, payload) => this.#associations.get(textOf(client))?.answer(from, payload),
      },
      this.poller,
    );
    const association: Association | undefined = Association.open(address, flow.peer, {
      poller: this.poller,
      sessions: this.#sessions,
      askName: (name, answer) => this.askName(name, answer),
      touched: () => {
        flow.lastActive = this.now;
        const client = association?.client;
        if (client !== undefined && association) this.#associations.set(textOf(client), association);
      },
    });
    return association;
  }

  #question(answer: (found: never) => void): number {
    this.#asked += 1;
    this.#questions.set(this.#asked, answer);
    return this.#asked;
  }

  #acceptAll(): void {
    const { listener, maxFlows } = this.start;
    const at = addressOf(this.#peer);
    for (let count = 0; count < ACCEPT_MAX; count += 1) {
      const fd = acceptFrom(listener, at, SOCKADDR_MAX_BYTES);
      if (fd < 0) {
        const error = errno();
        if (error === EINTR) continue;
        if (error === EMFILE || error === ENFILE) this.timer(ACCEPT_PAUSE_MS, () => this.#acceptAll());
        return;
      }
      this.counters.add("accepted");
      if (this.#flows.size >= maxFlows) this.#turnAway(fd);
      else this.#begin(fd);
    }
    // The listener tells only of new ones.
    this.timer(0, () => this.#acceptAll());
  }

  #turnAway(fd: number): void {
    this.resets.send(fd);
    this.counters.add("overLimit");
  }

  #begin(fd: number): void {
    const flow = new Flow(fd, readSockaddr(this.#peer), this);
    this.#flows.add(flow);
    this.counters.add("open");
    this.poller.add(fd, flow);
    flow.start();
  }

  /** What the other thread has said. */
  #listen(): void {
    clearSignal(this.start.signal);
    for (;;) {
      const received: { readonly message: ToRelay } | undefined = receiveMessageOnPort(this.start.port);
      if (received === undefined) return;
      this.#hear(received.message);
    }
  }

  #hear(message: ToRelay): void {
    switch (message.say) {
      case "close":
        this.#isOpen = false;
        return;
      case "rules":
        this.rules = message.rules;
        return;
      case "bind":
        this.bindTo = message.bindTo;
        this.#sessions?.bind(message.bindTo);
        return;
      case "flows":
        this.say({ say: "flows", question: message.question, flows: [...this.#flows].map((flow) => flow.describe()) });
        return;
      case "reach":
        this.#reach(this.#arrived(message), (reached) =>
          this.say({ say: "reached", question: message.question, reached }),
        );
        return;
      case "destination":
        this.#answer(message.question, message.found as never);
        return;
      case "name":
        this.#answer(message.question, message.addresses.filter(isAddress) as never);
        return;
    }
  }

  /** With the descriptor that has come for it. */
  #arrived(wish: Extract<ToRelay, { readonly say: "reach" }>): Wish {
    return this.#inbox === undefined ? wish : { ...wish, fd: this.#inbox.take(wish.question) };
  }

  #reach(wish: Wish, answer: (reached: Reached) => void): void {
    if (wish.fd >= 0 && this.#flows.size + this.#ahead.size < this.start.maxFlows)
      return this.#ahead.begin(wish, answer);
    if (wish.fd >= 0) closeFile(wish.fd);
    this.counters.add("overLimit");
    answer("refused");
  }

  #answer(question: number, answer: never): void {
    const act = this.#questions.get(question);
    this.#questions.delete(question);
    act?.(answer);
  }

  /** Once a second: enters what has passed, and ends what was idle for too long. */
  #sweep(): void {
    for (const flow of this.#flows) {
      flow.countBytes();
      if (this.now - flow.lastActive > this.start.idleTimeoutMs) flow.end("idled");
    }
    this.#sessions?.sweep();
    this.timer(SWEEP_MS, () => this.#sweep());
  }
}

function textOf({ address, port }: SocketAddress): string {
  return `${address} ${port}`;
}
