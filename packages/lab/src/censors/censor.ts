// The contract of a box that reads traffic and reacts to a name. It sees whole IP packets of both families, in the
// simulation and on a real path alike, so it must bear any octets, keep its memory bounded and use no clock or chance
// of its own: the same packets at the same times get the same answers.
import type { PLAIN_AXES } from "./axes.ts";
import type { Model } from "./axis-censor.ts";

/** Outbound goes from the client to the server. */
export type Direction = "outbound" | "inbound";

/** A packet that the box sends by itself. */
export interface Injection {
  readonly packet: Uint8Array;
  readonly to: "client" | "server";
  /** It leaves behind the packet that was judged, as from a tap, instead of before it. */
  readonly behind?: boolean;
}

export interface Judgement {
  /** The packet may go on. */
  readonly forward: boolean;
  readonly inject?: readonly Injection[];
  /** The name of the list that was found in this packet or completed by it, or what else the box took offence at. */
  readonly matched?: string;
}

export interface Censor {
  readonly name: string;
  /** The one hypothesis that this model stands for, in a sentence. */
  readonly says: string;
  /** Forgets all flows. */
  reset(): void;
  /**
   * Judges one packet. Never throws; what cannot be read may pass.
   * @param packet with the hop limit that it has when it reaches the box; lent until the next `reset`
   * @param nowMs a clock that never goes back, any start
   */
  judge(packet: Uint8Array, direction: Direction, nowMs: number): Judgement;
}

/** "drop": the packet disappears. "rst": it does, and both sides get a RST. */
export type Reaction = "drop" | "rst";

export interface CensorOptions {
  /** Host names to block, each with all names below it. */
  readonly blocked: readonly string[];
  /** In place of the model's own reaction. */
  readonly reaction?: Reaction;
  /** Flows remembered at one time; the longest unused gives way. Default FLOWS_MAX. */
  readonly flowsMax?: number;
  /** Routers between the box and the server; matters to models that look at hop limits. Default 0. */
  readonly hopsToServer?: number;
  /** Names that an allow-list has, each with all names below it. Default: www.example.org. */
  readonly allowed?: readonly string[];
}

/** What a maker is handed beside the options. */
export interface CensorKit {
  /** A box with an empty memory that acts as a model says. */
  readonly makeBox: (model: Model, options: CensorOptions) => Censor;
  /** What stands behind most models: a box in the path that follows every connection and drops what it must. */
  readonly plainAxes: typeof PLAIN_AXES;
}

/** Makes a censor with an empty memory: what a file with a censor of one's own exports as its default. */
export type CensorMaker = (options: CensorOptions, kit: CensorKit) => Censor;

export const FORWARD: Judgement = { forward: true };
export const DROP: Judgement = { forward: false };
