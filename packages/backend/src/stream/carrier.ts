// What a backend asks of whoever ends translated connections and carries them on by sockets. It is brought along: the
// backend knows packets, not sockets.
import type { TransportAddress, WantedConnection } from "@bunnel/engine";
import type { Profile } from "@bunnel/profile";
import type { DnsServer } from "../dns/taken-query.ts";
import type { CarriedPackets } from "./carried-outlet.ts";

/**
 * What became of a connection to the outside. "refused": the server, or a firewall, says no; "unreachable": the network
 * does; "silent": nobody answered.
 */
export type Reached = "connected" | "refused" | "unreachable" | "silent";

/** What a carrier is opened with, once the device has its addresses. */
export interface CarrierContext {
  /** Addresses of this machine to listen on, one of each family that takes part. */
  readonly listen: readonly string[];
  readonly profile: Profile;
  /** Where an accepted connection wanted to go; undefined: it is not one of ours. */
  readonly originalDestination: (peer: TransportAddress) => TransportAddress | undefined;
}

/** What became of what sockets carry on, by names that a reader can show. */
export type CarriedFigures = Readonly<Record<string, number>>;

/** A connection that is wanted, and what is known of it. */
export interface PreparedConnection extends WantedConnection {
  /** It is for DNS queries that are answered here; `resolver`: the one that the rule names. */
  readonly queries?: { readonly resolver?: DnsServer };
}

/** A carrier at work. */
export interface OpenCarrier extends Disposable {
  /** The ports that it listens on, in the order of `listen`. */
  readonly ports: readonly number[];
  /**
   * Tries to reach a server before its client hears of a connection; the connection that comes from `wanted.peer` is
   * then carried on by what was opened here. Absent: every connection is accepted at once.
   */
  prepare?(wanted: PreparedConnection): Promise<Reached>;
  /** What became of connections; absent: nobody counts. */
  readonly figures?: CarriedFigures;
  /** Settles when it has ended: undefined after `close`, else the cause. */
  readonly closed: Promise<Error | undefined>;
  /** Another profile for connections from now on. */
  load(profile: Profile): void;
  /** Ends every connection; a second call does nothing. */
  close(): void;
}

/** What carries datagrams and echo requests on by sockets, at work. */
export interface DatagramCarrying extends Disposable {
  /** Takes packets over as a lane gives them. Answers and errors reach their clients by themselves. */
  carry(packets: CarriedPackets): void;
  readonly figures: CarriedFigures;
  /** Another profile from now on. */
  load(profile: Profile): void;
  /** Settles when it has ended: undefined after `close`, else the cause. */
  readonly closed: Promise<Error | undefined>;
  /** Ends every session; a second call does nothing. */
  close(): void;
}

/** What ends translated connections and carries them on. */
export interface StreamCarrier {
  /**
   * Opens what datagrams and echo requests need, while there is the right to it, whether or not a rule wants them yet.
   * Absent: rules that carry them are refused. Throws when it cannot be had.
   */
  openDatagrams?(profile: Profile): DatagramCarrying;
  /** Listens from now on. Rejects when it cannot; then nothing of it is left. */
  open(context: CarrierContext): Promise<OpenCarrier>;
  /**
   * The same for a service that runs, with the privileges that are left by then: connections wait until it works.
   * Absent: a profile that brings the first such rule is refused. Throws when it cannot; then nothing of it is left.
   */
  openNow?(context: CarrierContext): OpenCarrier;
}
