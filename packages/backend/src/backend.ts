// The contract of a backend: something that carries this machine's traffic through the engine until it is told to stop.
import type { EngineCounters, FlowInfo } from "@bunnel/engine";
import type { PacketOwners } from "@bunnel/device";
import type { Profile } from "@bunnel/profile";
import type { CaptureFeed } from "./capture/feed.ts";
import type { QueryFigures } from "./dns/query-answers.ts";
import type { AnswerDns } from "./dns/taken-query.ts";
import type { CarriedFigures, StreamCarrier } from "./stream/carrier.ts";

/**
 * "plain": a system call for each packet. "uring": one for a burst, by io_uring. "auto": the better one that this
 * system has.
 */
export type PumpChoice = "auto" | "plain" | "uring";

/** Settings of a backend over a TUN device. */
export interface TunSettings {
  /** Default: the system's choice after the pattern bunnel%d. */
  readonly deviceName?: string;
  /** Octets; 0 follows the uplink. Default 1500 where there is no uplink to follow. */
  readonly mtu?: number;
  /** The device's address, in the modes that need one. Default 10.0.85.1 */
  readonly address?: string;
  /** Default 255.255.255.0 */
  readonly netmask?: string;
  /** How packets come up: "nft", "rules", or "auto" for the best that works here. Default "auto". */
  readonly method?: "auto" | "nft" | "rules";
  /** Uplinks to look at. Default: every interface with a default route. */
  readonly uplinks?: readonly string[];
  /** Destinations that are left alone besides private, link-local and multicast ones. */
  readonly excludes?: readonly string[];
  /** Only packets of these owners come up; where a list has no entry, of any. */
  readonly include?: PacketOwners;
  /** No packets of these owners come up. */
  readonly exclude?: PacketOwners;
  /** What is selected leaves by no other way when the process is killed. Default false. */
  readonly killSwitch?: boolean;
  /** Interfaces of networks for which this machine is a router: what it forwards from them comes up, too. */
  readonly gateway?: readonly string[];
  /** Ask the device for segmentation offload. Default true. */
  readonly offload?: boolean;
  /** Queues of the device, each with a thread of its own: 1 to 4. Default 1, which is best with offload. */
  readonly queues?: number;
  /** How packets pass between system and engine. Default "auto". */
  readonly pump?: PumpChoice;
}

/** Those that can be changed while it runs. */
export type LiveSettings = Pick<TunSettings, "method" | "uplinks" | "excludes" | "include" | "exclude" | "killSwitch">;

/** What a backend is started with. */
export interface BackendConfig {
  /** What the engine does with the traffic. */
  readonly engine: { readonly profile: Profile };
  /** Packets that may wait for a way out that is full; more are dropped and counted. Default 1000. */
  readonly maxQueueSize?: number;
  readonly settings?: TunSettings;
  /** What carries flows of rules with stream egress. Without it, such rules are refused. */
  readonly stream?: StreamCarrier;
  /** Called every second or two while all threads that carry packets turn: for a supervisor's own watchdog. */
  readonly alive?: () => void;
  /** Answers DNS queries that rules take out. Without it no rule may do that. */
  readonly answerDns?: AnswerDns;
}

/** Figures of a running backend, as of now. */
export interface BackendStats extends EngineCounters, QueryFigures {
  readonly uptimeMs: number;
  readonly device: string;
  readonly method: string;
  readonly uplinks: readonly string[];
  /** For each queue how its packets pass: "plain", "uring", or "memory" for a device that is none of the system's. */
  readonly pumps: readonly string[];
  /** Answers of servers that the tap lost because nobody read in time; 0 where there is no tap. */
  readonly tapDropped: number;
  /** What became of datagrams and echo requests that sockets carry on; undefined where nobody could. */
  readonly carried: CarriedFigures | undefined;
  /** What became of connections that sockets carry on; undefined where no rule wants any. */
  readonly streamed: CarriedFigures | undefined;
  /** Packets that the system lost on their way up because the device's queue was full; 0 where nobody counts them. */
  readonly deviceDropped: number;
}

/** A backend at work. */
export interface BackendHandle {
  /** The figures as of now. @throws BackendError E_NOT_RUNNING after shutdown */
  readonly stats: BackendStats;
  readonly pipeline: Pipeline;
  /**
   * The flows as of now, those seen last first; their rules are indexes of the profile's.
   * @throws BackendError E_NOT_RUNNING after shutdown
   */
  flows(): readonly FlowInfo[];
  /** Copies of packets before and after the engine. Off until somebody sets its level. */
  readonly captured: CaptureFeed;
  /** Forgets flows that are silent for a second, where memory is short. */
  relieve(): void;
  /**
   * Rules by host act on SYNs to this address from now on, for so many seconds: it was asked for by this name.
   * @throws WireError for what is no address
   */
  learnName(address: string, name: string, seconds: number): void;
  /** Settles when the backend has ended: with undefined after a shutdown, with the cause when it ended by itself. */
  readonly closed: Promise<Error | undefined>;
  /**
   * Ends it and puts the network back; `failed`: what a kill switch holds stays closed, as behind any other failure. A
   * second call waits for the first.
   */
  shutdown(failed?: Error): Promise<void>;
}

/** What is done to the packets. */
export interface Pipeline {
  readonly profile: Profile;
  /** Messages that each rule has decided since it was put in force, by its index in the profile. */
  readonly decided: readonly number[];
  /**
   * Puts another profile in force while packets flow, and other settings with it. What selects packets follows. When it
   * throws, what was in force still is.
   */
  load(profile: Profile, settings?: LiveSettings): void;
}

/** What can carry this machine's traffic: one that runs at a time. */
export interface Backend {
  readonly name: string;
  /** @throws BackendError E_ALREADY_RUNNING, E_NOT_SUPPORTED, E_ENGINE; DeviceError of the device */
  start(config: BackendConfig): Promise<BackendHandle>;
  /** @throws BackendError E_NOT_RUNNING */
  stop(): Promise<void>;
  readonly isRunning: boolean;
}

/** Defaults of `TunSettings` that do not depend on the machine. */
export const TUN_DEFAULTS = {
  deviceName: "bunnel%d",
  mtu: 1500,
  address: "10.0.85.1",
  netmask: "255.255.255.0",
  maxQueueSize: 1000,
  queues: 1,
  pump: "auto",
} as const;
