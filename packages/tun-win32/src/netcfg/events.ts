// Changes of interfaces, addresses and routes as they happen. Windows tells by a call from a thread of its own, whose
// row is gone when JavaScript runs; so a call only says that it is time to look, and what differs is what happened.
// Changes that undo each other between two looks are not seen.
import { AF_UNSPEC, NO_ERROR } from "../constants.ts";
import { windowsError } from "../errors.ts";
import { changeCallbackAddress, forget, listen, type IphlpapiCalls, type WindowsSystem } from "../sys.ts";
import { pointer } from "@bunnel/ffi";
import { addresses, type WindowsAddress } from "./addresses.ts";
import { interfaces, type WindowsInterface } from "./interfaces.ts";
import { routes, type WindowsRoute } from "./routes.ts";

export type WindowsTopic = "link" | "address" | "route";

export type WindowsChange = "changed" | "removed";

export type WindowsEvent =
  | { readonly type: "link"; readonly change: WindowsChange; readonly link: WindowsInterface }
  | { readonly type: "address"; readonly change: WindowsChange; readonly address: WindowsAddress }
  | { readonly type: "route"; readonly change: WindowsChange; readonly route: WindowsRoute };

export interface WindowsWatchOptions {
  /** Default: all three. */
  readonly topics?: readonly WindowsTopic[];
  /** Ends the stream: the loop throws the signal's reason. */
  readonly signal?: AbortSignal;
}

type NotifyName = "NotifyIpInterfaceChange" | "NotifyUnicastIpAddressChange" | "NotifyRouteChange2";
const NOTIFY: Readonly<Record<WindowsTopic, NotifyName>> = {
  link: "NotifyIpInterfaceChange",
  address: "NotifyUnicastIpAddressChange",
  route: "NotifyRouteChange2",
};
const KEEP_ALIVE_MS = 0x7fff_ffff;

/** What there is of one topic, by what makes each of it the same one. */
type Snapshot = ReadonlyMap<string, WindowsEvent>;

export class WindowsEvents implements AsyncIterable<WindowsEvent>, Disposable {
  readonly #system: WindowsSystem;
  readonly #topics: readonly WindowsTopic[];
  readonly #signal: AbortSignal | undefined;
  readonly #context: number;
  readonly #handles: number[] = [];
  readonly #queue: WindowsEvent[] = [];
  #before: Snapshot;
  #changed = false;
  #open = true;
  #rouse: (() => void) | undefined;

  private constructor(system: WindowsSystem, { topics = ["link", "address", "route"], signal }: WindowsWatchOptions) {
    this.#system = system;
    this.#topics = topics;
    this.#signal = signal;
    this.#context = listen(() => this.#told());
    this.#before = new Map();
    signal?.addEventListener("abort", this.#end);
  }

  /** Changes from now on. @throws DeviceError E_DEVICE_SYSTEM, the signal's reason when it is aborted already */
  static open(system: WindowsSystem, options: WindowsWatchOptions = {}): WindowsEvents {
    options.signal?.throwIfAborted();
    const events = new WindowsEvents(system, options);
    try {
      // First the calls, then the look: nothing in between is missed.
      for (const topic of events.#topics)
        events.#handles.push(register(system.iphlpapi(), NOTIFY[topic], events.#context));
      events.#before = look(system, events.#topics);
      return events;
    } catch (error) {
      events.close();
      throw error;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WindowsEvent, void, undefined> {
    try {
      for (;;) {
        this.#signal?.throwIfAborted();
        const event = this.#queue.shift();
        if (event) yield event;
        else if (this.#changed) this.#look();
        else if (this.#open) await this.#whenTold();
        else return;
      }
    } finally {
      this.close();
    }
  }

  /** Ends the stream: the loop ends, no thread of the system calls any more. A second call does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#changed = false;
    this.#signal?.removeEventListener("abort", this.#end);
    for (const handle of this.#handles) this.#system.iphlpapi().CancelMibChangeNotify2(handle);
    forget(this.#context);
    this.#rouse?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  readonly #end = (): void => this.close();

  #told(): void {
    this.#changed = true;
    this.#rouse?.();
  }

  #look(): void {
    this.#changed = false;
    const now = look(this.#system, this.#topics);
    for (const [key, event] of now) {
      if (textOf(event) !== textOf(this.#before.get(key))) this.#queue.push(event);
    }
    for (const [key, event] of this.#before) {
      if (!now.has(key)) this.#queue.push({ ...event, change: "removed" });
    }
    this.#before = now;
  }

  async #whenTold(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
    this.#rouse = resolve;
    await promise;
    this.#rouse = undefined;
    clearInterval(keepAlive);
  }
}

function register(calls: IphlpapiCalls, name: NotifyName, context: number): number {
  const handle = new BigUint64Array(1);
  const error = calls[name](AF_UNSPEC, changeCallbackAddress(), pointer(context), 0, handle);
  if (error !== NO_ERROR) throw windowsError(`listening for changes (${name})`, error);
  return Number(handle[0]);
}

function look(system: WindowsSystem, topics: readonly WindowsTopic[]): Snapshot {
  const now = new Map<string, WindowsEvent>();
  const change = "changed";
  if (topics.includes("link")) {
    for (const link of interfaces(system)) now.set(`link ${link.luid}`, { type: "link", change, link });
  }
  if (topics.includes("address")) {
    for (const address of addresses(system)) {
      now.set(`address ${address.index} ${address.address}`, { type: "address", change, address });
    }
  }
  if (topics.includes("route")) {
    for (const route of routes(system)) {
      const key = `route ${route.index} ${route.family} ${route.destination} ${route.gateway ?? ""}`;
      now.set(key, { type: "route", change, route });
    }
  }
  return now;
}

/** What two looks are compared by: counters change with every packet and are no event. */
function textOf(event: WindowsEvent | undefined): string {
  return JSON.stringify(event, (key, value: unknown) => {
    if (key.startsWith("rx") || key.startsWith("tx")) return undefined;
    return typeof value === "bigint" ? value.toString() : value;
  });
}
