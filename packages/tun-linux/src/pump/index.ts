export { openPump, probeUring, type PumpOptions } from "./open.ts";
export type { Merger, Pump, PumpBackend, PumpCounters, PumpGroups, PumpPort } from "./pump.ts";
export { coalesceOf, eventOf, portOf, PumpedTun } from "./pumped-tun.ts";
