// What stands between the client and the path: the machine that rewrites packets, with a clock, with packets that leave
// later, and with a look at what comes back.

/** Takes over a packet that leaves, and how much later than now, milliseconds. */
export type Send = (packet: Uint8Array, afterMs: number) => void;

export interface Gateway {
  /** When `tick` has something to do; undefined: never. */
  readonly dueMs: number | undefined;
  /** A new connection begins, on a path whose clock starts at 0: nothing that was seen before counts any more. */
  begin(): void;
  /** A packet of the client: sends what leaves in its place, in order. */
  outbound(packet: Uint8Array, nowMs: number, send: Send): void;
  /** A packet for the client passes by. */
  inbound(packet: Uint8Array, nowMs: number): void;
  /** Sends what was held long enough. */
  tick(nowMs: number, send: Send): void;
}

/** One packet to the packets that are sent in its place, in order: a gateway without a memory of time. */
export type Transform = (packet: Uint8Array) => readonly Uint8Array[];

export function gatewayOf(transform: Transform): Gateway {
  return {
    dueMs: undefined,
    begin() {},
    outbound(packet, _nowMs, send) {
      for (const made of transform(packet)) send(made, 0);
    },
    inbound() {},
    tick() {},
  };
}

/** Sends every packet as it is. */
export const PLAIN_GATEWAY: Gateway = gatewayOf((packet) => [packet]);
