// Which pump this machine can have.
import { DeviceError } from "@bunnel/device";
import { addressOf, errnoName } from "@bunnel/ffi";
import type { PumpParts } from "./base.ts";
import { PlainPump } from "./plain.ts";
import type { Pump, PumpBackend, PumpPort } from "./pump.ts";
import { Ring, RING_ALIGNMENT_BYTES, RING_REGION_BYTES } from "./ring.ts";
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
  /** Default: "uring" where the kernel has it and lets us, else "plain". */
  readonly backend?: PumpBackend;
}

/**
 * Opens a pump for the calling thread. Kernels before 6.6, kernels where the administrator switched io_uring off, and
 * sandboxes that forbid it get "plain"; `reason` says why.
 * @throws DeviceError E_UNSUPPORTED when "uring" was asked for and cannot be had
 */
export function openPump(options: PumpOptions): Pump {
  const { memory, ports, eventFd, backend } = options;
  const parts: PumpParts = { memory, ports, eventFd, reason: "" };
  if (backend === "plain") return new PlainPump(parts);
  const ring = openRing(options);
  if (typeof ring !== "string") return new UringPump(parts, ring);
  if (backend === "uring") throw new DeviceError("E_UNSUPPORTED", `pump over io_uring: ${ring}`);
  return new PlainPump({ ...parts, reason: ring });
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
