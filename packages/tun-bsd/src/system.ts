// What a BSD needs besides the table that all of them have: how its nodes are opened and spoken to.
import type { BsdSystem } from "@bunnel/bsd";

/**
 * How a device comes to be.
 *
 * - "clone": opening one node gives the next free unit, and a request tells its name; a unit's own node gives that
 *   unit.
 * - "units": each unit has a node, and the first that nobody has open is free.
 * - "create": the interface is made first, and its node is opened then.
 */
export interface NodeWay {
  readonly way: "clone" | "units" | "create";
  /** "tun" or "tap": the node's name in /dev, and the interface's, without the unit. */
  readonly family: string;
  /** TUNGIFNAME, TAPGIFNAME: tells the interface's name. Left out: it is the node's. */
  readonly nameRequest?: number;
  /** SIOCIFDESTROY behind `close`: the interface would stay. */
  readonly isDestroyed: boolean;
}

/** One BSD. Sources: net/if_tun.h, net/if_tap.h, if_tun.c. */
export interface BsdTunSystem extends BsdSystem {
  readonly tun: NodeWay;
  readonly tap: NodeWay;
  /** Puts the address family before each packet; without it IPv6 cannot pass. Left out: it always stands there. */
  readonly TUNSIFHEAD?: number;
  /** Point-to-point or broadcast, while the interface is down. */
  readonly TUNSIFMODE: number;
  /** The interface goes with its descriptor. FreeBSD 15 and later; older ones refuse it. */
  readonly TUNSTRANSIENT?: number;
  readonly mtuMinBytes: number;
  readonly mtuMaxBytes: number;
}
