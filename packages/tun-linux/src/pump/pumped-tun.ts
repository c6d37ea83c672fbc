// A TUN device whose packets go through a pump: what reads and writes devices gets bursts, and merged packets where the
// device takes them, without knowing of either.
import { Coalesce } from "@bunnel/abi";
import {
  DeviceError,
  Wake,
  headerBytesOf,
  type DeviceCapabilities,
  type DeviceHandOver,
  type PacketList,
  type TunDevice,
} from "@bunnel/device";
import { addressOf } from "@bunnel/ffi";
import type { LinuxTun } from "../device.ts";
import { openTransferred } from "../hand-over.ts";
import type { Offload } from "../tun-node.ts";
import { GROUP_WORDS, PIECES_WORD } from "./base.ts";
import { openPump, type PumpOptions } from "./open.ts";
import type { Merger, Pump, PumpBackend, PumpPort } from "./pump.ts";

/** After so many bursts in a row of which nothing could be merged, only every so-many-th is looked at. */
const LOOKS_IN_VAIN = 8;

/** The device as a port of a pump. `polled`: whether a wait ends when it has packets. */
export function portOf(device: LinuxTun, polled = true): PumpPort {
  const headerBytes = headerBytesOf(device.capabilities);
  const { fd, sleeper } = device.handOver();
  const shared = sleeper instanceof SharedArrayBuffer ? { sleeper } : {};
  return { name: device.name, fd: Number(fd), headerBytes, polled, ...shared };
}

/** The event that ends a wait of a pump whose first port is this device: what its `wake` raises. */
export function eventOf(device: LinuxTun): number {
  return Number(device.handOver()["eventFd"]);
}

/** What a device with these offloads can be given merged: Coalesce bits. */
export function coalesceOf(offloads: readonly Offload[]): number {
  const takesTcp = offloads.includes("tcp4") && offloads.includes("tcp6");
  return (takesTcp ? Coalesce.Tcp : 0) | (offloads.includes("udp") ? Coalesce.Udp : 0);
}

/** Where a pump's packets lie, which pump, and how it sleeps: a lane of the engine has the first two. */
export type PumpPlace = Pick<PumpOptions, "memory" | "rings" | "backend" | "sleep">;

/**
 * The device of a hand-over through a pump of its own, for the thread that calls.
 * @param merger who merges what is written, when it is a list of his
 * @throws DeviceError E_DEVICE_OPTION when the hand-over is another driver's, E_UNSUPPORTED as `openPump`
 */
export function openPumpedTun(handOver: DeviceHandOver, place: PumpPlace, merger?: Merger): PumpedTun {
  const device = openTransferred(handOver);
  const pump = openPump({ ...place, ports: [portOf(device)], eventFd: eventOf(device) });
  return new PumpedTun(device, pump, 0, merger);
}

/** A TUN device whose packets go by a pump instead of one system call each. */
export class PumpedTun implements TunDevice {
  readonly #device: LinuxTun;
  readonly #pump: Pump;
  readonly #port: number;
  readonly #merger: Merger | undefined;
  readonly capabilities: DeviceCapabilities;
  #allowed: number;
  #foundFull = 0;
  /** Bursts since one was merged. */
  #asTheyCame = 0;
  #open = true;

  /**
   * @param port the device's place among the pump's ports
   * @param merger who merges what is written, when it is a list of his; it is asked only for what the device takes
   */
  constructor(device: LinuxTun, pump: Pump, port: number, merger?: Merger) {
    this.#device = device;
    this.#pump = pump;
    this.#port = port;
    this.#merger = merger;
    // Its pieces would not go by the pump.
    this.capabilities = { ...device.capabilities, vectored: false };
    this.#allowed = device.capabilities.vnetHeader ? coalesceOf(device.offloads) : 0;
  }

  /** Which pump it is. */
  get pump(): PumpBackend {
    return this.#pump.backend;
  }

  get name(): string {
    return this.#device.name;
  }

  get index(): number {
    return this.#device.index;
  }

  /** Of the whole pump; and merged packets that found the queue full: they cannot be given back in order. */
  get refused(): number {
    return this.#pump.refused + this.#foundFull;
  }

  /** The memory must be the pump's. */
  attach(memory: ArrayBufferLike): void {
    this.#mustBeOpen();
    if (addressOf(memory) === this.#pump.base) return;
    throw new DeviceError("E_DEVICE_OPTION", `device ${this.name}: expected the memory of its pump, found another`);
  }

  read(list: PacketList, from: number, maxBytes: number): number {
    this.#mustBeOpen();
    return this.#pump.read(this.#port, list, from, maxBytes);
  }

  get mayHaveMore(): boolean {
    return this.#pump.mayHaveMore(this.#port);
  }

  write(list: PacketList, from: number, to: number): number {
    this.#mustBeOpen();
    const merger = this.#merger;
    if (merger === undefined || merger.tx !== list || this.#allowed === 0 || to - from < 2 || !this.#mayMerge()) {
      return this.#pump.write(this.#port, list, from, to);
    }
    const groups = merger.coalesce(from, to, this.#pump.base, this.#allowed);
    if (groups === to - from) return this.#pump.write(this.#port, list, from, to);
    this.#asTheyCame = 0;
    for (let group = this.#pump.writeGroups(this.#port, merger, groups); group < groups; group++) {
      this.#foundFull += merger.groups.records[group * GROUP_WORDS + PIECES_WORD] ?? 0;
    }
    // A kernel that refused one super-packet would refuse the next.
    if (this.#pump.loosened > 0) this.#allowed = 0;
    return to - from;
  }

  /** Super-packets and bare acknowledgements come in long rows, and nothing of them can be merged. */
  #mayMerge(): boolean {
    const burst = this.#asTheyCame++;
    return burst < LOOKS_IN_VAIN || burst % LOOKS_IN_VAIN === 0;
  }

  /** `receive` of its pump. */
  receive(list: PacketList, from: number, maxBytes: number, timeoutMs: number): number {
    this.#mustBeOpen();
    return this.#pump.receive(this.#port, list, from, maxBytes, timeoutMs);
  }

  /** How the last `receive` ended. */
  get woken(): Wake {
    return this.#pump.woken;
  }

  wait(timeoutMs: number): Wake {
    return this.#open ? this.#pump.wait(timeoutMs) : Wake.Closed;
  }

  wake(): void {
    this.#device.wake();
  }

  handOver(): DeviceHandOver {
    return this.#device.handOver();
  }

  /** Closes the pump, then the device. */
  close(): void {
    this.#open = false;
    this.#pump.close();
    this.#device.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new DeviceError("E_DEVICE_GONE", `device ${this.name}: expected open, found closed`);
  }
}
