// What the control socket answers about flows and rules. Types alone: the page in the browser is compiled with them.

/** One flow of the table. */
export interface FlowLine {
  readonly protocol: string;
  /** "192.0.2.7:40000"; of protocols without ports the address alone. */
  readonly source: string;
  readonly destination: string;
  readonly state: string;
  /** "tls", "http", "quic", "dns", "syn"; none: no message was seen. */
  readonly message?: string;
  /** The rule that decided. */
  readonly rule?: string;
  /** Messages that left by a plan. */
  readonly planned: number;
  readonly hops?: number;
  readonly idleMs: number;
  readonly packetsOut: number;
  readonly packetsIn: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
}

/** One rule as `bunnel rules` shows it. */
export interface RuleLine {
  readonly name: string;
  readonly enabled: boolean;
  readonly priority: number;
  readonly strategy: string;
  /** Messages that it decided since it was put in force. */
  readonly decided: number;
  /** Flows in the table that it decided. */
  readonly flows: number;
}
