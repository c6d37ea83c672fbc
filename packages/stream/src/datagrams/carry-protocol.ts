// What the two threads that carry datagrams on say to each other. As a relay's thread, the one that carries sleeps in
// epoll; what is said to it lies in a port that it empties when an eventfd wakes it.

/** Limits of a profile. */
export interface CarryLimits {
  readonly sessionsMax: number;
  readonly idleMs: number;
}

/** Descriptors of one family; -1: there is none. */
export interface FamilySockets {
  /** Sends whole packets to clients. */
  readonly packets: number;
  /** Sends echo requests, and hears the replies. */
  readonly echo: number;
}

/** Everything that the thread starts with. */
export interface CarryStart {
  readonly port: MessagePort;
  readonly signal: number;
  readonly ipv4: FamilySockets;
  readonly ipv6: FamilySockets;
  readonly counters: SharedArrayBuffer;
  readonly limits: CarryLimits;
}

/** To the thread. */
export type ToCarry =
  | { readonly say: "packets"; readonly records: Uint8Array }
  /** UDP sockets of a family, set and marked, as many of those that were asked for as there are. */
  | {
      readonly say: "sockets";
      readonly family: number;
      readonly asked: number;
      readonly descriptors: readonly number[];
    }
  | ({ readonly say: "limits" } & CarryLimits)
  | { readonly say: "close" };

/** From the thread. */
export type FromCarry =
  | { readonly say: "want"; readonly family: number; readonly count: number }
  | { readonly say: "ended" }
  | { readonly say: "failed"; readonly message: string };
