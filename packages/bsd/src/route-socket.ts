// The routing socket: requests and their answers, and what the system tells of its own accord. Source: route(4).
import { DeviceError } from "@bunnel/device";
import * as errors from "./errors.ts";
import { eventOf, type BsdEvent } from "./network-info.ts";
import { PollSet } from "./poll-set.ts";
import { endedBy, whenReadable, type ReadinessWait } from "./readiness.ts";
import * as rtm from "./route-message.ts";
import type { Calls } from "./sys.ts";
import { SOCK_RAW } from "./system.ts";

/** No message is longer: OpenBSD's RTM_MAXSIZE. */
const MESSAGE_MAX_BYTES = 2048;
const ANSWER_TIMEOUT_MS = 1000;
/** Messages of others that may come before the answer. */
const STRANGERS_MAX = 4096;
/** Messages that are taken before somebody has read what they tell. */
const EVENTS_MAX = 4096;

export class RouteSocket implements Disposable {
  readonly #calls: Calls;
  readonly #buffer = new Uint8Array(new ArrayBuffer(MESSAGE_MAX_BYTES));
  readonly fd: number;
  #sequence = 0;
  #open = true;

  /** @throws DeviceError E_DEVICE_SYSTEM */
  constructor(calls: Calls) {
    this.#calls = calls;
    this.fd = calls.socket(calls.environment.system.AF_ROUTE, SOCK_RAW, 0);
    if (this.fd < 0) throw errors.systemError("opening a routing socket", calls.errno());
    errors.check("making a routing socket non-blocking", calls.setNonBlocking(this.fd, true));
  }

  /**
   * Makes a request; 0, or the errno. The system answers writes that fail by the call itself, and tells everybody of
   * those that succeed.
   */
  request(message: Omit<rtm.RouteMessage, "sequence">): number {
    const { environment } = this.#calls;
    const octets = rtm.encodeRoute(environment.system, { ...message, sequence: ++this.#sequence });
    return this.#calls.write(this.fd, octets) < 0 ? this.#calls.errno() : 0;
  }

  /**
   * The answer to a request that asks; undefined when there is no such route.
   * @throws DeviceError as the errno says, E_DEVICE_SYSTEM when no answer comes
   */
  ask(message: Omit<rtm.RouteMessage, "sequence">): rtm.ReadRoute | undefined {
    const errno = this.request(message);
    if (errno === errors.ESRCH || errno === errors.ENETUNREACH) return undefined;
    errors.check("asking for a route", errno);
    const poll = new PollSet(this.#calls, 1);
    poll.set(0, this.fd);
    for (let i = 0; i < STRANGERS_MAX; i++) {
      const read = this.#next();
      if (read?.sequence === this.#sequence && read.type === message.type) return read;
      if (!read && poll.poll(ANSWER_TIMEOUT_MS) <= 0) break;
    }
    throw new DeviceError("E_DEVICE_SYSTEM", "asking for a route: expected an answer, found none");
  }

  /** The next message; undefined when none waits. @throws DeviceError with ENOBUFS when some were lost */
  receive(): rtm.RawMessage | undefined {
    const bytes = this.#calls.read(this.fd, this.#buffer);
    if (bytes < 0) {
      const errno = this.#calls.errno();
      if (errno === errors.EAGAIN) return undefined;
      throw errors.systemError("reading from a routing socket", errno);
    }
    const [message] = rtm.splitMessages(this.#calls.environment.system, this.#buffer.slice(0, bytes));
    // Of a version that is not ours: there was one, but it says nothing.
    return message ?? { type: 0, octets: new Uint8Array(0) };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#calls.close(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #next(): rtm.ReadRoute | undefined {
    const message = this.receive();
    if (!message) return undefined;
    const { system } = this.#calls.environment;
    return message.type === rtm.RTM_GET ? rtm.readRoute(system, message) : nothing(message.type);
  }
}

function nothing(type: number): rtm.ReadRoute {
  return { type, index: 0, flags: 0, sequence: -1, errno: 0, mtuBytes: 0, addresses: new Map() };
}

export interface WatchOptions {
  /** Ends it: a wait under way rejects with the signal's reason, and so does every later one. */
  readonly signal?: AbortSignal;
}

/** Changes since it was opened, for one reader. It keeps the process alive only while somebody waits for one. */
export class BsdEvents implements AsyncIterableIterator<BsdEvent>, Disposable {
  readonly #calls: Calls;
  readonly #socket: RouteSocket;
  readonly #signal: AbortSignal | undefined;
  readonly #queue: BsdEvent[] = [];
  #wait: ReadinessWait | undefined;
  #closed = false;

  /** @throws the signal's reason when it is aborted already */
  constructor(calls: Calls, { signal }: WatchOptions = {}) {
    signal?.throwIfAborted();
    this.#calls = calls;
    this.#signal = signal;
    this.#socket = new RouteSocket(calls);
  }

  /** The next event; done after `close`. */
  async next(): Promise<IteratorResult<BsdEvent, undefined>> {
    for (;;) {
      this.#signal?.throwIfAborted();
      const event = this.#queue.shift();
      if (event) return { done: false, value: event };
      if (this.#closed) return { done: true, value: undefined };
      this.#fill();
      if (this.#queue.length > 0) continue;
      this.#wait = whenReadable(this.#calls, this.#socket.fd);
      await endedBy(this.#wait, this.#signal);
    }
  }

  /** Ends a loop over the events early, as `break` does. */
  return(): Promise<IteratorResult<BsdEvent, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** A wait under way ends, what is queued can still be read. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#wait?.cancel();
    this.#socket.close();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #fill(): void {
    const { system } = this.#calls.environment;
    for (let i = 0; i < EVENTS_MAX; i++) {
      try {
        const message = this.#socket.receive();
        if (!message) return;
        const event = eventOf(system, message);
        if (event) this.#queue.push(event);
      } catch (error) {
        if (!(error instanceof DeviceError) || error.errno !== errors.ENOBUFS) throw error;
        this.#queue.push({ type: "lost" });
      }
    }
  }
}
