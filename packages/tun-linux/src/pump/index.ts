export { openPump, probeUring, type PumpOptions } from "./open.ts";
export type { Merger, Pump, PumpBackend, PumpCounters, PumpGroups, PumpPort, PumpSleep } from "./pump.ts";
export { coalesceOf, eventOf, openPumpedTun, portOf, PumpedTun, type PumpPlace } from "./pumped-tun.ts";
