// How far a packet of the client gets with which hop limit: measured, because the censor takes more than one hop (its
// kernel routes a packet up to the box and down again).
import { type Family, serverAddress } from "./address-plan.ts";
import type { Caller } from "./calls.ts";
import type { CensorCalls } from "./censor-child.ts";
import type { ClientCalls } from "./client-child.ts";
import type { ServerCalls } from "./server-child.ts";
import { LabError } from "./errors.ts";

export interface HopLimits {
  /** The smallest with which the censor sees a packet. */
  readonly censor: number;
  /** The smallest with which the server gets it. */
  readonly server: number;
  /** Routers behind the point where the censor judges: what it sees with more hops left than these arrives. */
  readonly hopsToServer: number;
}

/** More routers than a lab has. */
const PROBES = [1, 2, 3, 4, 5, 6, 7, 8];
const TRIES_MAX = 50;
const TRY_EVERY_MS = 20;

interface Asked {
  readonly client: Caller<ClientCalls>;
  readonly censor: Caller<CensorCalls>;
  readonly server: Caller<ServerCalls>;
}

/** @throws LabError E_LAB_MEASURE when not even the largest hop limit reaches the server, or the families differ */
export async function measureHopLimits(asked: Asked, families: readonly Family[]): Promise<HopLimits> {
  await asked.censor.call("set", { censors: [], hopsToServer: 0, attached: true });
  const found: HopLimits[] = [];
  for (const family of families) found.push(await measure(asked, family));
  await asked.censor.call("set", { censors: [], hopsToServer: 0, attached: false });
  const [first] = found;
  if (first === undefined) throw new LabError("E_LAB_MEASURE", "hop limits: no address family to measure them with");
  if (found.some((other) => other.censor !== first.censor || other.server !== first.server)) {
    throw new LabError(
      "E_LAB_MEASURE",
      `hop limits: expected the same in both families, found ${JSON.stringify(found)}`,
    );
  }
  return first;
}

async function measure(asked: Asked, family: Family): Promise<HopLimits> {
  const largest = Math.max(...PROBES);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    await Promise.all([asked.censor.call("forgetProbes", undefined), asked.server.call("forgetProbes", undefined)]);
    // The farthest last: when it has arrived, so has every other that can.
    await asked.client.call("probe", { family, address: serverAddress(family), hopLimits: PROBES });
    await Bun.sleep(TRY_EVERY_MS);
    const arrived = await asked.server.call("probesSeen", undefined);
    if (!arrived.includes(largest)) continue;
    const seen = await asked.censor.call("probesSeen", undefined);
    const server = Math.min(...arrived);
    const above = seen.find(({ probe }) => probe === server)?.hopLimit ?? 0;
    return { censor: Math.min(...seen.map(({ probe }) => probe)), server, hopsToServer: above - 1 };
  }
  throw new LabError("E_LAB_MEASURE", `hop limits: no probe reached the server over IPv${family}`);
}
