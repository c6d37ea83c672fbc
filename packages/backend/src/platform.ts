// What a backend needs from the machine. Concrete drivers are injected by whoever joins the parts.
import type {
  DeviceOptions,
  InboundTap,
  Interception,
  InterceptionOptions,
  SweepReport,
  TunDevice,
} from "@bunnel/device";
import type { Egress } from "@bunnel/egress";
import type { EngineHandOver, LaneOptions } from "@bunnel/engine";
import type { Profile } from "@bunnel/profile";
import type { PumpChoice } from "./backend.ts";
import type { TakenQuery } from "./dns/taken-query.ts";
import type { CarriedPackets } from "./stream/carried-outlet.ts";
import type { TellWanted } from "./stream/lane-side.ts";

/** What a lane works with. */
export interface LaneParts {
  readonly engine: EngineHandOver;
  readonly laneIndex: number;
  readonly lane: LaneOptions;
  readonly device: TunDevice;
  readonly egress: Egress;
  /** Answers of servers, read by the same thread over a lane of its own. */
  readonly inbound?: InboundParts;
  readonly maxQueueSize: number;
  readonly pump?: PumpChoice;
  /** See `LaneExtras`. */
  readonly answers?: boolean;
  /** Called in the thread that started the lane, with translations whose SYNs it holds. */
  readonly wanted?: TellWanted;
  /** Called in the host's thread with what sockets are to carry on. Without it that is lost. */
  readonly carry?: (packets: CarriedPackets) => void;
  /** Memory of a `CaptureRing` that the lane writes while somebody captures. */
  readonly capture?: SharedArrayBuffer;
  /** Called in the host's thread with each DNS query that a rule took out. Without it they are lost. */
  readonly takeQuery?: (query: TakenQuery) => void;
}

/** The second lane, and the tap that it reads. */
export interface InboundParts {
  readonly laneIndex: number;
  readonly tap: InboundTap;
}

/** What a lane says when it reads. */
export interface LaneReady {
  /** See `BackendStats.pumps`. */
  readonly pump: string;
}

/** A lane at work in a thread of its own. */
export interface LaneThread {
  /** Settles when the lane reads; rejects when it could not begin. */
  readonly ready: Promise<LaneReady>;
  /** Settles when the lane has ended: undefined after a stop, else the cause. */
  readonly ended: Promise<Error | undefined>;
  /** Called after the stop word is set and the device was woken; ends the thread. */
  dispose(): void;
}

/** The interfaces by which packets leave this machine. */
export interface Uplinks {
  readonly names: readonly string[];
  /** The smallest of their MTUs. */
  readonly mtuBytes: number;
}

/** What a TUN backend asks of a system: the only place where drivers and the backend meet. */
export interface TunPlatform {
  readonly name: string;
  /** Why a TUN backend cannot run here, as a sentence; undefined: it can. */
  unsupported(): string | undefined;
  /**
   * What a profile means for packets here, where that is not what it says: everything may have to leave by sockets,
   * whose techniques the profile itself still names. Absent: the profile itself.
   * @throws BackendError E_NOT_SUPPORTED for a rule that this system cannot carry out
   */
  packetProfile?(profile: Profile): Profile;
  /** @throws DeviceError of the driver */
  openDevice(options: DeviceOptions): TunDevice;
  /** A further queue of a device that was opened with `multiQueue`. Without this, there is one queue. */
  openQueue?(first: TunDevice): TunDevice;
  /** Packets lost since the device was opened because its queue was full. Without this, nobody counts them. */
  deviceDropped?(device: TunDevice): number;
  /** Changes the MTU of an open device. Without this, it stays as it was opened. @throws DeviceError of the driver */
  setMtu?(device: TunDevice, mtuBytes: number): void;
  /** Gives an open device addresses, with their prefixes. Without this, it has those that it was opened with. */
  addAddresses?(device: TunDevice, addresses: readonly string[]): void;
  /** The way out of what the engine made. @throws DeviceError without the right to open it */
  openEgress(): Egress;
  /** A tap that does not listen yet. Without this, no rule may need to know how far away a server is. */
  openTap?(): InboundTap;
  /** @throws DeviceError when the method cannot be had here */
  intercept(method: "nft" | "rules", options: InterceptionOptions): Interception;
  /** Takes away what an earlier run left behind. */
  sweep(): SweepReport;
  /** The interfaces with a default route, as of now. */
  uplinks(): Uplinks;
  /** Routes lead to the device, so that clients have its addresses. Absent: they keep those that they had. */
  readonly clientsHaveDeviceAddress?: boolean;
  /** Whether devices can have IPv6 addresses. Absent: they cannot. */
  hasIpv6?(): boolean;
  /** Starts what carries packets between device, engine and way out. */
  startLane(parts: LaneParts): LaneThread;
}
