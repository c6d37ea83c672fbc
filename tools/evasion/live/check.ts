// A row of the live table against what is expected of it. Of a cell that came out otherwise the packets are written
// down: those of the live connection as the box saw them, and those of the simulated one.
import { join } from "node:path";
import { type CensorName, type EngineRig, type EvasionCell, evasionCell, flowCapture } from "@bunnel/lab";
import { captureFlow } from "./flow.ts";
import { askOnce, type LiveRow, measureRow, namedStrategy, simulatedColumn, startStrategy } from "./measure.ts";
import type { LiveRange } from "./range.ts";
import { differs, explanationOf } from "./table.ts";

export interface RowCheck extends LiveRow {
  /** By box. */
  readonly expected: Readonly<Record<string, EvasionCell>>;
  /** Where captures are written; it is there. */
  readonly folder: string;
}

/** A line for each cell that came out otherwise, with the paths of its captures; cells that are explained count not. */
export async function checkRow(range: LiveRange, rig: EngineRig, check: RowCheck): Promise<readonly string[]> {
  const { client, strategy, boxes, expected } = check;
  const measured = await measureRow(range, check, expected);
  const lines: string[] = [];
  for (const box of boxes) {
    const [simulated, live] = [expected[box] ?? "-", measured[box] ?? ""];
    const cell = { client: client.name, strategy, box, simulated, live };
    if (!differs(cell) || explanationOf(cell) !== undefined) continue;
    const paths = await writeFlows(range, rig, check, box);
    lines.push(
      `${client.name}: ${strategy} against ${box}: expected ${simulated}, found ${live} (${paths.join(", ")})`,
    );
  }
  return lines;
}

async function writeFlows(
  range: LiveRange,
  rig: EngineRig,
  check: RowCheck,
  box: CensorName,
): Promise<readonly string[]> {
  const { client, strategy, folder } = check;
  const name = `${client.name}-${strategy}-${box}`.replaceAll(/[^\w.-]+/g, "_");
  const [live, simulated] = ["live", "simulated"].map((kind) => join(folder, `${name}-${kind}.pcapng`));
  await using _service = await startStrategy(range, strategy);
  await range.lab.setCensor(box);
  await Bun.write(live ?? "", await captureFlow(range, () => askOnce(range, check, { box, place: 0 })));
  const column = simulatedColumn(client, box);
  const { events } = evasionCell(rig, namedStrategy(strategy), column, { events: true });
  await Bun.write(simulated ?? "", flowCapture(events));
  return [live ?? "", simulated ?? ""];
}
