// Datagrams and echo requests of clients, carried on by sockets in a thread of its own. What needs privilege is opened
// by whoever holds this: raw sockets at once, because the right to them is given up soon, UDP sockets when they are
// wanted, because theirs stays.
import { StreamError } from "../errors.ts";
import { setOutside, type OutsideOptions } from "../loop/outside.ts";
import { AF_INET, AF_INET6, closeFile, datagramSocket, errno, openSignal, prepare } from "../sys.ts";
import { raiseFileLimit, raiseSignal } from "../sys.ts";
import { CarryCounters, type CarryStats } from "./carry-counters.ts";
import type { CarryLimits, CarryStart, FamilySockets, FromCarry, ToCarry } from "./carry-protocol.ts";
import { icmpSocket, packetSocket, setErrorQueue, setQueueBytes } from "./sys.ts";

/** How datagrams are carried on. */
export interface DatagramCarrierOptions extends OutsideOptions {
  /** UDP sockets, and askers of echoes, at a time: beyond it the one that was silent longest goes. */
  readonly sessionsMax: number;
  /** One that was silent for so long goes. */
  readonly idleMs: number;
}

/** Octets of records that wait for the thread; beyond it packets are dropped and counted. */
const WAITING_MAX_BYTES = 4 * 1024 * 1024;
/** By the system's own count. */
const QUEUE_BYTES = 4 * 1024 * 1024;
const SESSION_QUEUE_BYTES = 1024 * 1024;
/** Descriptors that the rest of the process needs. */
const DESCRIPTORS_BESIDE = 256;

export class DatagramCarrier implements Disposable {
  /** Settles when it has let go of everything; with an error when that was not asked for. */
  readonly closed: Promise<Error | undefined>;
  readonly #counters = new CarryCounters();
  readonly #ended = Promise.withResolvers<Error | undefined>();
  readonly #sockets: { readonly ipv4: FamilySockets; readonly ipv6: FamilySockets };
  #limits: CarryLimits;
  #thread: Thread | undefined;
  #given = 0;
  #isOpen = true;

  /**
   * Opens what needs CAP_NET_RAW; the thread starts with the first packet, or with `start`.
   * @throws StreamError E_STREAM_UNSUPPORTED on other systems than Linux, E_STREAM_SYSTEM without the right to raw
   * sockets
   */
  static open(options: DatagramCarrierOptions): DatagramCarrier {
    if (process.platform !== "linux") {
      throw new StreamError("E_STREAM_UNSUPPORTED", `datagrams: expected Linux, found ${process.platform}`);
    }
    return new DatagramCarrier(options);
  }

  private constructor(private readonly options: DatagramCarrierOptions) {
    prepare();
    this.closed = this.#ended.promise;
    this.#limits = { sessionsMax: options.sessionsMax, idleMs: options.idleMs };
    const ipv4 = openFamily(AF_INET, options);
    if (ipv4.packets < 0) {
      const error = errno();
      closeFamily(ipv4);
      throw new StreamError("E_STREAM_SYSTEM", "datagrams: a raw socket could not be opened", error);
    }
    // A system without IPv6 has no clients that would miss it.
    this.#sockets = { ipv4, ipv6: openFamily(AF_INET6, options) };
  }

  get stats(): CarryStats {
    return this.#counters.read();
  }

  /** Starts the thread: threads that start later may have more rights than they need. */
  start(): void {
    if (!this.#isOpen) return;
    this.#thread ??= this.#open();
  }

  /** Carries packets on, in records as `readRecords` reads them. They are the carrier's from now on. */
  carry(records: Uint8Array<ArrayBuffer>): void {
    if (!this.#isOpen) return;
    this.start();
    if ((this.#given - this.#counters.taken) >>> 0 > WAITING_MAX_BYTES) {
      this.#counters.add("dropped");
      return;
    }
    this.#given = (this.#given + records.length) >>> 0;
    this.#say({ say: "packets", records }, [records.buffer]);
  }

  /** Other limits from now on. */
  limit(limits: CarryLimits): void {
    this.#limits = { sessionsMax: limits.sessionsMax, idleMs: limits.idleMs };
    this.#say({ say: "limits", ...this.#limits });
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#thread !== undefined) {
      this.#thread.port.postMessage({ say: "close" } satisfies ToCarry);
      raiseSignal(this.#thread.signal);
      return;
    }
    closeFamily(this.#sockets.ipv4);
    closeFamily(this.#sockets.ipv6);
    this.#ended.resolve(undefined);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(): Thread {
    raiseFileLimit(this.#limits.sessionsMax + DESCRIPTORS_BESIDE);
    const signal = openSignal();
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(new URL("./carry.worker.ts", import.meta.url).href);
    worker.addEventListener("message", ({ data }: MessageEvent<FromCarry>) => this.#hear(data));
    worker.addEventListener("error", ({ message }) =>
      this.#end(new Error(`datagrams: their thread failed: ${message}`)),
    );
    const start: CarryStart = {
      ...{ port: port2, signal, counters: this.#counters.memory, limits: this.#limits },
      ...this.#sockets,
    };
    worker.postMessage(start, [port2]);
    return { worker, port: port1, signal };
  }

  #say(message: ToCarry, transfer: ArrayBuffer[] = []): void {
    if (!this.#isOpen || this.#thread === undefined) return;
    this.#thread.port.postMessage(message, transfer);
    raiseSignal(this.#thread.signal);
  }

  #hear(message: FromCarry): void {
    switch (message.say) {
      case "want":
        return this.#supply(message.family, message.count);
      case "ended":
        return this.#end(undefined);
      case "failed":
        return this.#end(new Error(`datagrams: ${message.message}`));
    }
  }

  #supply(family: number, asked: number): void {
    const descriptors: number[] = [];
    while (this.#isOpen && descriptors.length < asked) {
      const fd = datagramSocket(family);
      if (fd < 0) break;
      if (setOutside(fd, family, this.options, "datagram") !== 0 || setErrorQueue(fd, family) !== 0) {
        closeFile(fd);
        break;
      }
      setQueueBytes(fd, SESSION_QUEUE_BYTES);
      descriptors.push(fd);
    }
    this.#say({ say: "sockets", family, asked, descriptors });
  }

  #end(error: Error | undefined): void {
    this.#isOpen = false;
    this.#thread?.port.close();
    this.#thread?.worker.terminate();
    this.#ended.resolve(error);
  }
}

interface Thread {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly signal: number;
}

function openFamily(family: number, options: OutsideOptions): FamilySockets {
  const packets = set(packetSocket(family), family, options);
  return { packets, echo: packets < 0 ? -1 : set(icmpSocket(family), family, options) };
}

/** The socket with its mark and room, or -1. */
function set(fd: number, family: number, options: OutsideOptions): number {
  if (fd < 0) return fd;
  if (setOutside(fd, family, options, "datagram") !== 0) {
    closeFile(fd);
    return -1;
  }
  setQueueBytes(fd, QUEUE_BYTES);
  return fd;
}

function closeFamily({ packets, echo }: FamilySockets): void {
  for (const fd of [packets, echo]) if (fd >= 0) closeFile(fd);
}
