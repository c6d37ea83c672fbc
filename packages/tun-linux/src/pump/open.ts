// Which pump this machine can have.
import { DeviceError } from "@bunnel/device";
import { addressOf, errnoName } from "@bunnel/ffi";
import { Sleeper } from "../sleep/sleeper.ts";
import { openEvent } from "../sys.ts";
import type { PumpParts } from "./base.ts";
import { LoneSleep } from "./lone-sleep.ts";
import { PlainPump } from "./plain.ts";
import type { Pump, PumpBackend, PumpPort, PumpSleep } from "./pump.ts";
import { Ring, RING_ALIGNMENT_BYTES, RING_REGION_BYTES } from "./ring.ts";
import { closeFd, errno, pumpCalls } from "./sys.ts";
import { tryReads, whyCalls } from "./trial.ts";
import { UringPump } from "./uring.ts";

/** How a pump is opened. */
export interface PumpOptions {
  /** The memory that packets lie in. */
  readonly memory: SharedArrayBuffer;
  /** A range of it for the rings, from a page on. Without it the back end is "plain". */
  readonly rings?: { readonly at: number; readonly bytes: number };
  /** Ports are named by their index. */
  readonly ports: readonly PumpPort[];
  /** An eventfd(2) whose owner ends a wait by it. */
  readonly eventFd: number;
  /** Default: "uring" where the kernel has it, lets us, and is quicker by it than by plain calls; else "plain". */
  readonly backend?: PumpBackend;
  /**
   * Default "poll". With "read" there must be one polled port, of a device (`portOf`). While it is open, nobody but the
   * pump reads that device, in whatever thread: such a read would sleep. Takes one real-time signal of the process.
   */
  readonly sleep?: PumpSleep;
  /**
   * How long `receive` behind packets looks for the next one before it sleeps, microseconds, 0 to 10 000. Default 0.
   * Who asks from another processor then does not wait until this one is back from its sleep. The thread takes all of
   * a processor meanwhile, but none in silence. Not together with `sleep: "read"`.
   */
  readonly busyPollUs?: number;
}

const BUSY_POLL_MAX_US = 10_000;

/**
 * Opens a pump for the calling thread. Kernels before 6.6, kernels where the administrator switched io_uring off,
 * sandboxes that forbid it, and machines where plain calls are quicker get "plain"; `reason` says why. Where nothing is
 * asked for, finding that out takes a millisecond or two.
 * @throws DeviceError E_DEVICE_OPTION for options that do not go with the ports or each other
 * @throws DeviceError E_UNSUPPORTED when "uring" was asked for and cannot be had
 */
export function openPump(options: PumpOptions): Pump {
  const { memory, ports, eventFd, backend, busyPollUs = 0 } = options;
  mustBeBusyPoll(busyPollUs, options.sleep);
  const parts: PumpParts = { memory, ports, eventFd, reason: "", sleep: sleepOf(options), busyPollUs };
  if (backend === "plain") return new PlainPump(parts);
  const ring = openRing(options);
  if (typeof ring === "string") {
    if (backend === "uring") throw new DeviceError("E_UNSUPPORTED", `pump over io_uring: ${ring}`);
    return new PlainPump({ ...parts, reason: ring });
  }
  const reason = backend === "uring" ? "" : compare(ring, memory, options.rings?.at ?? 0);
  if (reason === "") return new UringPump(parts, ring);
  ring.close();
  return new PlainPump({ ...parts, reason });
}

/** Why calls are preferred to the rings, in words; empty: they are not. */
function compare(ring: Ring, memory: SharedArrayBuffer, at: number): string {
  const event = openEvent();
  if (event < 0) return `nothing to try io_uring on: ${errnoName(errno())}`;
  try {
    return whyCalls(tryReads(pumpCalls(), ring, event, addressOf(memory), at));
  } catch (cause) {
    ring.close();
    throw cause;
  } finally {
    closeFd(event);
  }
}

function mustBeBusyPoll(us: number, sleep: PumpSleep | undefined): void {
  const most = sleep === "read" ? 0 : BUSY_POLL_MAX_US;
  if (Number.isInteger(us) && us >= 0 && us <= most) return;
  const why = sleep === "read" ? ' with sleep "read"' : "";
  throw new DeviceError("E_DEVICE_OPTION", `busyPollUs${why}: expected a whole number, 0 to ${most}, found ${us}`);
}

/** @throws DeviceError E_DEVICE_OPTION when a sleep in read(2) was asked for and the ports are not made for it */
function sleepOf({ ports, eventFd, sleep }: PumpOptions): LoneSleep | undefined {
  if (sleep !== "read") return undefined;
  const polled = ports.filter((port) => port.polled ?? true);
  const [only] = polled;
  if (polled.length !== 1 || only?.sleeper === undefined) {
    const expected = "expected one polled port, that of a device";
    throw new DeviceError("E_DEVICE_OPTION", `sleep of a pump in read(2): ${expected}, found ${polled.length} polled`);
  }
  const sleeper = new Sleeper(only.fd, only.sleeper);
  return sleeper.prepare() ? new LoneSleep(ports.indexOf(only), only.fd, eventFd, sleeper) : undefined;
}

/** Why io_uring cannot be had in this thread, in words; empty: it can. */
export function probeUring(): string {
  const memory = new SharedArrayBuffer(RING_REGION_BYTES + RING_ALIGNMENT_BYTES);
  const at = RING_ALIGNMENT_BYTES - (addressOf(memory) % RING_ALIGNMENT_BYTES);
  const ring = openRing({ memory, rings: { at, bytes: RING_REGION_BYTES } });
  if (typeof ring === "string") return ring;
  ring.close();
  return "";
}

/** The rings, or why there are none. */
function openRing({ memory, rings }: Pick<PumpOptions, "memory" | "rings">): Ring | string {
  if (rings === undefined || rings.bytes < RING_REGION_BYTES) {
    return `expected ${RING_REGION_BYTES} octets for the rings, found ${rings?.bytes ?? 0}`;
  }
  const ring = Ring.open(memory, addressOf(memory), rings.at);
  return typeof ring === "number" ? `expected rings in our memory, found ${errnoName(ring)}` : ring;
}
