/** A machine at one end of the link: it answers packets, and its timers send by themselves. Times are milliseconds. */
export interface Host {
  /** When `tick` has something to do; undefined: never. */
  readonly dueMs: number | undefined;
  /** Takes a packet as it arrived. Returns what is sent in answer, in order. */
  receive(packet: Uint8Array, nowMs: number): Uint8Array[];
  /** A router tells by ICMP that a packet of this machine's ended there: its hop limit ran out. */
  hearExpired?(packet: Uint8Array): void;
  /** Lets the timers that ran out act. */
  tick(nowMs: number): Uint8Array[];
}
