// What an interception changed and what no system takes back by itself when its process is killed.
import { DeviceError } from "@bunnel/device";
import { isRecord, LockedState, type StateForm } from "../locked-state/index.ts";

/** IFNAMSIZ of linux/if.h without the NUL; no slash, no dot at the start: the name becomes part of a path. */
const INTERFACE_NAME = /^(?!\.)[^/\s\0]{1,15}$/;

/** A reverse-path filter that was changed. */
export interface SavedFilter {
  readonly interfaceName: string;
  /** What it was. */
  readonly before: number;
  /** What we set it to; any other value found later is somebody else's. */
  readonly ours: number;
}

export interface InterceptionState {
  /** The network namespace that everything here is about, as `currentNamespace` names it. */
  readonly namespace: string;
  readonly filters: readonly SavedFilter[];
  /**
   * Destinations that have a rule of their own without our number, because they are left alone: those of versions
   * before 0.2. None is written any more.
   */
  readonly exceptions: readonly string[];
}

export const INTERCEPTION_FORM: StateForm<InterceptionState> = {
  version: 1,
  parse({ namespace, filters, exceptions }) {
    if (typeof namespace !== "string") return "the name of a network namespace";
    if (!Array.isArray(filters) || !filters.every(isSavedFilter)) return "a list of reverse-path filters";
    if (!Array.isArray(exceptions) || !exceptions.every((item) => typeof item === "string")) {
      return "a list of destinations";
    }
    return { namespace, filters, exceptions };
  },
};

/**
 * The state of the machine's one interception, to be read and written while the lock is held.
 * @throws DeviceError E_DEVICE_BUSY when a living interception holds it, E_DEVICE_DENIED without the right to make it
 */
export function claimState(path: string): LockedState<InterceptionState> {
  const state = LockedState.claim(path, INTERCEPTION_FORM);
  if (state) return state;
  throw new DeviceError("E_DEVICE_BUSY", `interception: another bunnel is running (it holds ${path}.lock)`);
}

function isSavedFilter(value: unknown): value is SavedFilter {
  if (!isRecord(value)) return false;
  const { interfaceName, before, ours } = value;
  const isName = typeof interfaceName === "string" && INTERFACE_NAME.test(interfaceName);
  return isName && [before, ours].every((filter) => filter === 0 || filter === 1 || filter === 2);
}
