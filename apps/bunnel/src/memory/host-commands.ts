// What can be asked of a memory by the control socket, and of its file where no service runs: the same in both cases.
import * as v from "valibot";
import { checked, type ControlCommands } from "../control/server.ts";
import { ANY_NETWORK, type HostMemory, type NetworkMemory } from "./contract.ts";
import type { Memory } from "./memory.ts";
import type { Network } from "./network.ts";

/** Hosts that are listed when nobody says how many. */
export const HOSTS_SHOWN = 200;

export interface HostsAnswer {
  /** The network that this machine is in; null: in none, or in one that is not known yet. */
  readonly network: Network | null;
  readonly networks: readonly NetworkMemory[];
  readonly total: number;
  /** Of the network, and what is pinned in all of them; those seen last first. */
  readonly hosts: readonly HostMemory[];
}

const listSchema = v.strictObject({
  everywhere: v.optional(v.boolean(), false),
  limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), HOSTS_SHOWN),
});
const forgetSchema = v.strictObject({
  /** None: all. */
  hosts: v.optional(v.array(v.string())),
  everywhere: v.optional(v.boolean(), false),
});
const recordSchema = v.strictObject({
  outcomes: v.array(v.strictObject({ host: v.string(), strategy: v.string(), worked: v.boolean() })),
});
const setSchema = v.strictObject({
  host: v.string(),
  /** Absent: let go. */
  strategy: v.optional(v.string()),
  everywhere: v.optional(v.boolean(), false),
});

export interface HostCommandParts {
  readonly memory: Memory;
  readonly network: () => Network | undefined;
  /** Called after something was changed. @throws why it cannot be in force */
  readonly changed: () => void;
}

/** @throws ControlError E_ARGUMENTS; MemoryError for what is no host or no strategy */
export function hostCommands({ memory, network, changed }: HostCommandParts): ControlCommands {
  const here = (): string => {
    const fingerprint = network()?.fingerprint;
    if (fingerprint !== undefined) return fingerprint;
    throw new Error("network: expected this machine to be in one, found none (for all networks: --everywhere)");
  };
  return {
    hosts: (given): HostsAnswer => {
      const { everywhere, limit } = checked(listSchema, given);
      const current = network();
      const found = everywhere ? memory.hosts() : memory.hosts(ANY_NETWORK);
      const hosts = everywhere || current === undefined ? found : [...found, ...memory.hosts(current.fingerprint)];
      const networks = memory.networks();
      return { network: current ?? null, networks, total: hosts.length, hosts: hosts.slice(0, limit) };
    },
    "hosts-forget": (given) => {
      const { hosts, everywhere } = checked(forgetSchema, given);
      const which = everywhere ? {} : { network: here() };
      const forgotten = (hosts ?? [undefined]).reduce((sum, host) => {
        return sum + memory.forget({ ...which, ...(host !== undefined && { host }) });
      }, 0);
      changed();
      return { forgotten };
    },
    /** What a probe has found out. */
    "hosts-record": (given) => {
      const { outcomes } = checked(recordSchema, given);
      const about = { network: here(), how: "probe", at: Date.now() } as const;
      memory.recordAll(outcomes.map((outcome) => ({ ...about, ...outcome })));
      changed();
      return { recorded: outcomes.length };
    },
    "hosts-set": (given) => {
      const { host, strategy, everywhere } = checked(setSchema, given);
      const where = everywhere ? ANY_NETWORK : here();
      const before = memory.host(where, host)?.pinned;
      memory.pin(where, host, strategy);
      try {
        changed();
      } catch (error) {
        memory.pin(where, host, before);
        throw error;
      }
      return { host, strategy: strategy ?? null, everywhere };
    },
  };
}
