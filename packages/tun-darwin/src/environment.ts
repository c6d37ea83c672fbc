// What the driver stands on. Nothing is opened before the first call that needs it.
import { Calls, type Environment } from "@bunnel/bsd";
import { DARWIN } from "./system.ts";

/** Everything has a default, so that a test can put another library, processor or table in its place. */
export interface DarwinEnvironment extends Partial<Environment> {
  /** Packets may be fetched many at a time, where the system can. Default true. */
  readonly batch?: boolean;
}

export function openCalls({ system = DARWIN, libraries, arch }: DarwinEnvironment): Calls {
  return new Calls({ system, ...(libraries ? { libraries } : {}), ...(arch ? { arch } : {}) });
}

/** The paths in which an optional function is looked for. */
export function librariesOf(calls: Calls): readonly string[] {
  const { system, libraries = system.libraries } = calls.environment;
  return libraries;
}
