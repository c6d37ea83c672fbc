// Connections to the outside that are made before their clients come: whoever holds a client's SYN wants to know first
// whether its server answers. A connection that nobody comes for is closed.
//
// A socket that the system would send into the tunnel again, whatever it is bound to, has the tunnel's own address. It
// is not used, and what comes of its first packet, a wish from its port, is refused: the circle ends there. A wish from
// the very end of a socket that has another address and is under way has come round all the same, and is refused too.
import type { Reached, SocketAddress } from "../relay-options.ts";
import { familyOf, sockaddrOf } from "../socket-address.ts";
import { closeFile, connectTo, setNoDelay, takeError } from "../sockets/current.ts";
import { EACCES, EHOSTUNREACH, EINPROGRESS, ENETUNREACH, EPERM, EPOLLOUT, ETIMEDOUT } from "../sys.ts";
import { boundAddress } from "./outside.ts";
import type { Poller, Watcher } from "./poller.ts";
import type { Timer } from "./timers.ts";

/** How long a connection waits for its client, who is a few milliseconds away. */
const WAIT_MS = 10_000;
/** How long a first packet may take to come round, and how many ports are remembered. */
const CIRCLE_MS = 5_000;
const CIRCLES_MAX = 4096;

/** A connection for a client that has come. */
export interface AheadConnection {
  readonly fd: number;
  readonly destination: SocketAddress;
}

/** Who has such connections. */
export interface AheadSource {
  /** The one that was made for this client before it came. */
  takeAhead(peer: SocketAddress): AheadConnection | undefined;
}

/** What is wanted: a socket that is set up, where it is to go, and for whom. */
export interface Wish extends AheadConnection {
  readonly peer: SocketAddress;
  /** Whose SYN it is. */
  readonly client?: SocketAddress | undefined;
}

/** What it has of the loop. */
export interface AheadHost {
  readonly poller: Poller;
  readonly connectTimeoutMs: number;
  /** The tunnel's own address, where sockets must not have it; undefined: nothing is looked at. */
  readonly ownAddress: string | undefined;
  timer(ms: number, act: () => void): Timer;
}

interface Entry extends AheadConnection {
  readonly key: string;
  /** Its end on this side; undefined: nobody looks at it. */
  readonly own: string | undefined;
  timer: Timer;
  /** Undefined: it was answered. */
  answer: ((reached: Reached) => void) | undefined;
}

/** Those under way and those that wait, by the peer as which their clients will come. */
export class Ahead implements Watcher {
  readonly #byKey = new Map<string, Entry>();
  readonly #byFd = new Map<number, Entry>();
  readonly #ownEnds = new Set<string>();
  /** Ports of sockets that were about to go round, and when. */
  readonly #circles = new Map<number, number>();

  constructor(private readonly host: AheadHost) {}

  get size(): number {
    return this.#byKey.size;
  }

  /** Begins; answers when it is known what came of it. */
  begin({ fd, destination, peer, client }: Wish, answer: (reached: Reached) => void): void {
    if (client !== undefined && (this.#isCircle(client.port) || this.#ownEnds.has(keyOf(client)))) {
      closeFile(fd);
      return answer("unreachable");
    }
    const key = keyOf(peer);
    // The same peer again: its client has given up the connection before.
    this.#drop(this.#byKey.get(key), "silent");
    setNoDelay(fd);
    const error = connectTo(fd, sockaddrOf(destination));
    if (error !== 0 && error !== EINPROGRESS) {
      closeFile(fd);
      return answer(reachedBy(error));
    }
    const { ownAddress } = this.host;
    const end = ownAddress === undefined ? undefined : boundAddress(fd, familyOf(destination.address));
    if (end !== undefined && end.address === ownAddress) {
      this.#noteCircle(end.port);
      closeFile(fd);
      return answer("unreachable");
    }
    const own = end && keyOf(end);
    if (own !== undefined) this.#ownEnds.add(own);
    const timer = this.host.timer(this.host.connectTimeoutMs, () => this.#drop(this.#byFd.get(fd), "silent"));
    const entry: Entry = { fd, destination, key, own, timer, answer };
    this.#byKey.set(key, entry);
    this.#byFd.set(fd, entry);
    this.host.poller.add(fd, this);
  }

  ready(events: number, fd: number): void {
    const entry = this.#byFd.get(fd);
    if (entry?.answer === undefined) return;
    const error = takeError(fd);
    if (error !== 0) return this.#drop(entry, reachedBy(error));
    if ((events & EPOLLOUT) === 0) return;
    entry.timer.cancel();
    entry.timer = this.host.timer(WAIT_MS, () => this.#drop(entry, "silent"));
    const { answer } = entry;
    entry.answer = undefined;
    answer("connected");
  }

  /** Hands over the connection for the client that came; undefined: there is none. */
  take(peer: SocketAddress): AheadConnection | undefined {
    const entry = this.#byKey.get(keyOf(peer));
    if (entry === undefined || entry.answer !== undefined) return undefined;
    this.#forget(entry);
    return { fd: entry.fd, destination: entry.destination };
  }

  close(): void {
    for (const entry of [...this.#byKey.values()]) this.#drop(entry, "silent");
  }

  #isCircle(port: number): boolean {
    const sinceMs = this.#circles.get(port);
    return sinceMs !== undefined && performance.now() - sinceMs < CIRCLE_MS;
  }

  #noteCircle(port: number): void {
    const [oldest] = this.#circles.keys();
    if (oldest !== undefined && this.#circles.size >= CIRCLES_MAX) this.#circles.delete(oldest);
    this.#circles.delete(port);
    this.#circles.set(port, performance.now());
  }

  #drop(entry: Entry | undefined, reached: Reached): void {
    if (entry === undefined) return;
    this.#forget(entry);
    closeFile(entry.fd);
    entry.answer?.(reached);
  }

  #forget(entry: Entry): void {
    entry.timer.cancel();
    this.host.poller.remove(entry.fd);
    this.#byKey.delete(entry.key);
    this.#byFd.delete(entry.fd);
    if (entry.own !== undefined) this.#ownEnds.delete(entry.own);
  }
}

function keyOf({ address, port }: SocketAddress): string {
  return `${address} ${port}`;
}

/** What an error of connect(2) says about the server. */
function reachedBy(error: number): Reached {
  if (error === ETIMEDOUT) return "silent";
  return [EHOSTUNREACH, ENETUNREACH, EACCES, EPERM].includes(error) ? "unreachable" : "refused";
}
