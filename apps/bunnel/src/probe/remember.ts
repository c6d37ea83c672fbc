// What a probe has found goes to the memory of hosts, so that `bunnel up` begins with it: by the running service, else
// into its file.
import { askControl } from "../control/client.ts";
import { hostCommands } from "../memory/host-commands.ts";
import { networkHere, openOffline } from "../memory/open-offline.ts";
import { memoryPath } from "../memory/place.ts";
import { statePaths } from "../service/state-dir.ts";
import type { ProbeReport } from "./probe.ts";

const COMMAND = "hosts-record";

/** One strategy of one host. */
interface Outcome {
  readonly host: string;
  readonly strategy: string;
  readonly worked: boolean;
}

/**
 * What is recommended has worked, and what was tried for TLS, which nearly everything is, and failed has not. A rule
 * that names an egress is left out, for a memory has strategies alone.
 */
export function outcomesOf({ recommendation, trials }: ProbeReport): readonly Outcome[] {
  const worked = recommendation.rules
    .filter(({ egress, strategy }) => egress === undefined || strategy.includes("tlsrec") || strategy.includes("oob"))
    .flatMap(({ hosts, strategy }) => hosts.map((host) => ({ host, strategy, worked: true })));
  const failed = trials
    .filter(({ works, candidate }) => !works && candidate.kind === "tls")
    .map(({ host, candidate }) => ({ host, strategy: candidate.strategy, worked: false }));
  return worked.length === 0 ? [] : [...failed, ...worked];
}

/** Why nothing was remembered, as a sentence; undefined: it was, or there was nothing. */
export async function remember(report: ProbeReport, stateDir: string): Promise<string | undefined> {
  const outcomes = outcomesOf(report);
  if (outcomes.length === 0) return undefined;
  try {
    if ((await askControl(statePaths(stateDir).socket, COMMAND, { outcomes })) !== undefined) return undefined;
    // Nobody else's file is written.
    if (process.geteuid?.() !== 0) return undefined;
    const network = await networkHere();
    using memory = openOffline(memoryPath("", stateDir), true, () => undefined);
    hostCommands({ memory, network: () => network, changed: () => undefined })[COMMAND]?.({ outcomes });
    return undefined;
  } catch (error) {
    return `not remembered: ${error instanceof Error ? error.message : String(error)}`;
  }
}
