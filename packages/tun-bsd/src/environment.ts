// What the driver stands on. Nothing is opened before the first call that needs it.
import { Calls, type Environment } from "@bunnel/bsd";
import { DeviceError } from "@bunnel/device";
import { SYSTEMS } from "./driver-capabilities.ts";
import type { BsdTunSystem } from "./system.ts";

/** Everything has a default, so that a test can put another library, processor or table in its place. */
export interface BsdEnvironment extends Partial<Omit<Environment, "system">> {
  /** Default: that of `process.platform`. */
  readonly system?: BsdTunSystem;
}

/** @throws DeviceError E_UNSUPPORTED on a system without a table, E_DEVICE_MISSING without its library */
export function openCalls(environment: BsdEnvironment): { calls: Calls; system: BsdTunSystem } {
  const { system = SYSTEMS[process.platform], ...rest } = environment;
  if (!system) {
    const expected = `expected one of ${Object.keys(SYSTEMS).join(", ")}`;
    throw new DeviceError("E_UNSUPPORTED", `TUN devices of a BSD: ${expected}, found ${process.platform}`);
  }
  return { calls: new Calls({ system, ...rest }), system };
}
