// The queues of a running backend. Each has its own descriptors of the device, of the way out and of the tap, two lanes
// of the engine, and a thread; the flow table is everybody's.
import { CONTROL_BASE, CONTROL_STOP, QUEUES_MAX, SLOT_SMALL_PACKET_BYTES } from "@bunnel/abi";
import { DeviceError, type DeviceOptions, type InboundTap, type TunDevice } from "@bunnel/device";
import type { Egress } from "@bunnel/egress";
import { setLaneMtu, type Engine, type LaneOptions } from "@bunnel/engine";
import { CaptureRing } from "./capture/ring.ts";
import type { PumpChoice } from "./backend.ts";
import type { TakenQuery } from "./dns/taken-query.ts";
import type { LaneThread, TunPlatform } from "./platform.ts";
import type { CarriedPackets } from "./stream/carried-outlet.ts";
import type { TellWanted } from "./stream/lane-side.ts";

/** More than twice as long as a lane sleeps at most. */
const STOP_MAX_MS = 2500;

export interface QueuesOptions {
  readonly count: number;
  readonly pump: PumpChoice;
  readonly device: DeviceOptions;
  readonly maxQueueSize: number;
  /** How the lanes are opened for this device and way out. */
  laneOptions(device: TunDevice, egress: Egress): LaneOptions;
  /** Called with translations whose SYNs a lane holds. Without it, nothing is translated. */
  readonly wanted?: TellWanted;
  /** See `LaneParts`. */
  readonly takeQuery?: (query: TakenQuery) => void;
  /** See `LaneParts`. */
  readonly carry?: (packets: CarriedPackets) => void;
  /** Called with each tap before its thread starts. */
  watch(tap: InboundTap | undefined): void;
}

interface Queue {
  readonly device: TunDevice;
  readonly egress: Egress;
  readonly tap: InboundTap | undefined;
  readonly thread: LaneThread;
  /** How its packets pass. */
  readonly pump: string;
  readonly capture: CaptureRing;
}

export class Queues {
  readonly #engine: Engine;
  readonly #platform: TunPlatform;
  readonly #all: Queue[] = [];

  private constructor(platform: TunPlatform, engine: Engine) {
    this.#platform = platform;
    this.#engine = engine;
  }

  /** Opens the device and starts a thread for each queue; resolves when all of them read. If one fails, none stays. */
  static async start(platform: TunPlatform, engine: Engine, options: QueuesOptions): Promise<Queues> {
    const { count } = options;
    if (!Number.isInteger(count) || count < 1 || count > QUEUES_MAX) {
      throw new DeviceError("E_DEVICE_OPTION", `queues: expected 1 to ${QUEUES_MAX}, found ${count}`);
    }
    const queues = new Queues(platform, engine);
    try {
      for (let index = 0; index < count; index++) await queues.#open(platform, options, index);
      return queues;
    } catch (error) {
      await queues.stop();
      throw error;
    }
  }

  /** The device as its first queue has it. */
  get device(): TunDevice {
    const [first] = this.#all;
    if (first === undefined) throw new DeviceError("E_DEVICE_STATE", "queues: expected one at least, found none");
    return first.device;
  }

  /** Makes the thread of a lane look around. */
  wake(lane: number): void {
    this.#all[Math.floor(lane / 2)]?.device.wake();
  }

  get pumps(): readonly string[] {
    return this.#all.map(({ pump }) => pump);
  }

  get captures(): readonly CaptureRing[] {
    return this.#all.map(({ capture }) => capture);
  }

  get taps(): readonly (InboundTap | undefined)[] {
    return this.#all.map(({ tap }) => tap);
  }

  /** Settles when the first of them has ended: undefined after a stop, else the cause. */
  get ended(): Promise<Error | undefined> {
    return Promise.race(this.#all.map(({ thread }) => thread.ended));
  }

  /** The lanes that carry packets, one for each queue. */
  get lanes(): readonly number[] {
    return this.#all.map((_, index) => 2 * index);
  }

  /**
   * The largest packet from now on, of the device and of what its lanes make. It is not more than a slot of them holds.
   * @throws DeviceError when the system refuses it
   */
  setMtu(mtuBytes: number): void {
    const { device } = this;
    const most = device.capabilities.vnetHeader ? mtuBytes : Math.min(mtuBytes, SLOT_SMALL_PACKET_BYTES);
    for (const lane of this.lanes) setLaneMtu(this.#engine.memory, lane, most);
    this.#platform.setMtu?.(device, most);
  }

  /**
   * Ends every thread, and closes what the queues stand on. A thread that hangs is not waited for: without its device
   * it can do no harm.
   */
  async stop(): Promise<void> {
    Atomics.store(new Int32Array(this.#engine.memory, CONTROL_BASE, 16), CONTROL_STOP / 4, 1);
    for (const { device } of this.#all) device.wake();
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(late.resolve, STOP_MAX_MS, undefined);
    await Promise.race([Promise.all(this.#all.map(({ thread }) => thread.ended)), late.promise]);
    clearTimeout(timer);
    for (const { device, egress, tap, thread } of this.#all.toReversed()) {
      thread.dispose();
      device.close();
      egress.close();
      tap?.close();
    }
  }

  async #open(platform: TunPlatform, options: QueuesOptions, index: number): Promise<void> {
    const undo: (() => void)[] = [];
    try {
      const device = this.#openDevice(platform, options);
      undo.push(() => device.close());
      const egress = platform.openEgress();
      undo.push(() => egress.close());
      const tap = platform.openTap?.();
      undo.push(() => tap?.close());
      options.watch(tap);
      const capture = new CaptureRing(CaptureRing.memory());
      const thread = platform.startLane({
        engine: this.#engine.transfer,
        laneIndex: 2 * index,
        lane: options.laneOptions(device, egress),
        device,
        egress,
        ...(tap && { inbound: { laneIndex: 2 * index + 1, tap } }),
        answers: true,
        ...(options.wanted && { wanted: options.wanted }),
        ...(options.takeQuery && { takeQuery: options.takeQuery }),
        ...(options.carry && { carry: options.carry }),
        maxQueueSize: options.maxQueueSize,
        pump: options.pump,
        capture: capture.memory,
      });
      undo.push(() => thread.dispose());
      const { pump } = await thread.ready;
      this.#all.push({ device, egress, tap, thread, pump, capture });
    } catch (error) {
      for (const step of undo.toReversed()) step();
      throw error;
    }
  }

  #openDevice(platform: TunPlatform, { count, device }: QueuesOptions): TunDevice {
    const [first] = this.#all;
    if (first === undefined) return platform.openDevice({ ...device, ...(count > 1 && { multiQueue: true }) });
    if (platform.openQueue) return platform.openQueue(first.device);
    throw new DeviceError("E_UNSUPPORTED", `queues: expected one on ${platform.name}, found ${count}`);
  }
}
