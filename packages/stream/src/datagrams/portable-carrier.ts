// Datagrams and echo requests of clients, carried on by the sockets that every system has, in a thread of its own.
// There is no raw socket: answers are given to whoever can put packets into the device that the clients' came from.
import { StreamError } from "../errors.ts";
import { portableSockets, type SocketSystem } from "../sockets/of-form.ts";
import type { Sockets } from "../sockets/sockets.ts";
import { CarryCounters, type CarryStats } from "./carry-counters.ts";
import type { CarryLimits } from "./carry-protocol.ts";
import type { FromPortable, PortableStart, ToPortable } from "./portable-protocol.ts";
import { readRecords } from "./records.ts";

/** How datagrams are carried on. */
export interface PortableCarrierOptions extends CarryLimits {
  /** The interface that sockets are bound to, which keeps them out of the tunnel. */
  readonly bindTo?: string;
  /** Whose numbers and C library are used. Default: this system's own. */
  readonly system?: SocketSystem;
  /** Called with each answer: a whole packet for its client. Its octets are the callee's. */
  readonly deliver: (packet: Uint8Array) => void;
}

/** Octets of records that wait for the thread; beyond it packets are dropped and counted. */
const WAITING_MAX_BYTES = 4 * 1024 * 1024;
/** Descriptors that the rest of the process needs. */
const DESCRIPTORS_BESIDE = 256;

/**
 * What `DatagramCarrier` is on Linux, without what only Linux tells: hop limits, type of service and "don't fragment"
 * are the system's own, and ICMP errors from outside reach nobody.
 */
export class PortableCarrier implements Disposable {
  /** Settles when it has let go of everything; with an error when that was not asked for. */
  readonly closed: Promise<Error | undefined>;
  readonly #counters = new CarryCounters();
  readonly #delivered = new SharedArrayBuffer(4);
  readonly #ended = Promise.withResolvers<Error | undefined>();
  readonly #sockets: Sockets;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #signal: number;
  #given = 0;
  #isOpen = true;

  /**
   * Starts the thread.
   * @throws StreamError E_STREAM_UNSUPPORTED on a system whose sockets are not known, E_STREAM_OPTION where they cannot
   * be bound to an interface
   */
  constructor(private readonly options: PortableCarrierOptions) {
    const { system, bindTo, sessionsMax, idleMs } = options;
    this.#sockets = portableSockets(system ?? { platform: process.platform });
    const refused = this.#sockets.refusalOf({ bindTo });
    if (refused !== undefined) throw new StreamError("E_STREAM_OPTION", `datagrams: ${refused}`);
    this.closed = this.#ended.promise;
    this.#sockets.raiseFileLimit(sessionsMax + DESCRIPTORS_BESIDE);
    this.#signal = this.#sockets.openSignal();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(new URL("./portable-carry.worker.ts", import.meta.url).href);
    this.#worker.addEventListener("message", ({ data }: MessageEvent<FromPortable>) => this.#hear(data));
    this.#worker.addEventListener("error", ({ message }) =>
      this.#end(new Error(`datagrams: their thread failed: ${message}`)),
    );
    const start: PortableStart = {
      ...{ port: port2, signal: this.#signal, system, bindTo, delivered: this.#delivered },
      ...{ counters: this.#counters.memory, limits: { sessionsMax, idleMs } },
    };
    this.#worker.postMessage(start, [port2]);
  }

  get stats(): CarryStats {
    return this.#counters.read();
  }

  /** Carries packets on, in records as a `DatagramCarrier` takes them. They are the carrier's from now on. */
  carry(records: Uint8Array<ArrayBuffer>): void {
    if (!this.#isOpen) return;
    if ((this.#given - this.#counters.taken) >>> 0 > WAITING_MAX_BYTES) {
      this.#counters.add("dropped");
      return;
    }
    this.#given = (this.#given + records.length) >>> 0;
    this.#say({ say: "packets", records }, [records.buffer]);
  }

  /** Another interface for the sockets from now on; those that are open are closed. */
  bind(bindTo: string): void {
    this.#say({ say: "bind", bindTo });
  }

  /** Other limits from now on. */
  limit({ sessionsMax, idleMs }: CarryLimits): void {
    this.#say({ say: "limits", sessionsMax, idleMs });
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#say({ say: "close" });
    this.#isOpen = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #say(message: ToPortable, transfer: ArrayBuffer[] = []): void {
    if (!this.#isOpen) return;
    this.#port.postMessage(message, transfer);
    this.#sockets.raiseSignal(this.#signal);
  }

  #hear(message: FromPortable): void {
    switch (message.say) {
      case "answers":
        if (this.#isOpen) for (const { packet } of readRecords(message.records)) this.options.deliver(packet);
        Atomics.add(new Uint32Array(this.#delivered), 0, message.records.length);
        return;
      case "ended":
        return this.#end(undefined);
      case "failed":
        return this.#end(new Error(`datagrams: ${message.message}`));
    }
  }

  #end(error: Error | undefined): void {
    this.#isOpen = false;
    this.#port.close();
    this.#worker.terminate();
    this.#ended.resolve(error);
  }
}
