// The demonstration where the machine allows no namespaces: the same engine over devices in memory; client, server,
// path and censors are simulated.
import { LaneLoop } from "@bunnel/backend";
import { MemoryDevice } from "@bunnel/device";
import { MemoryEgress } from "@bunnel/egress";
import { Engine } from "@bunnel/engine";
import { makeCensor, runCell, type Transform } from "@bunnel/lab";
import { ALLOWED_NAME, BLOCKED_NAME, type Family, type Outcome, type Scheme } from "@bunnel/lab/live";
import { encodeRules, parseProfile } from "@bunnel/profile";
import type { Attempt, Board } from "./board.ts";
import type { Column, Technique } from "./plan.ts";
import type { Screen } from "./screen.ts";

/** Routers before and behind the simulated censor. */
const HOPS_BEFORE = 2;
const HOPS_AFTER = 3;
/** Passes the censor, ends before the server. */
export const SIMULATED_DECOY_TTL = HOPS_BEFORE + HOPS_AFTER - 1;

/** Packets that may wait for the way out. */
const QUEUE_MAX = 1000;

const FAMILIES: readonly Family[] = [4, 6];

/** Fills the board technique by technique, until the signal says otherwise. */
export async function runSimulated(board: Board, screen: Screen, signal: AbortSignal): Promise<void> {
  const engine = await Engine.create({ maxFlows: 1000 });
  const carry = dataPath(engine);
  for (const technique of board.plan.techniques) {
    const transform = transformOf(engine, carry, technique);
    for (const column of board.plan.columns) {
      for (const scheme of board.plan.schemes) {
        if (signal.aborted) return;
        board.start(scheme, technique, column);
        board.finish(scheme, technique, column, attempts(transform, scheme, column));
        // Signals and the terminal get their turn.
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    }
    screen.rowDone(technique);
  }
}

/** The loop of the service itself, between a device and a way out that are lists in memory. */
function dataPath(engine: Engine): Transform {
  const device = MemoryDevice.open();
  const egress = new MemoryEgress();
  const loop = new LaneLoop(device, egress, engine.lane(0), QUEUE_MAX);
  return (packet) => {
    device.inject(packet);
    while (loop.turn() > 0);
    return egress.take();
  };
}

function transformOf(engine: Engine, carry: Transform, { strategy }: Technique): Transform {
  if (strategy === undefined) return (packet) => [packet];
  engine.loadRules(encodeRules(parseProfile(`[[rule]]\nname = "demo"\nstrategy = '''${strategy}'''\n`)));
  return carry;
}

function attempts(transform: Transform, scheme: Scheme, { censor: name }: Column): readonly Attempt[] {
  return FAMILIES.flatMap((family) =>
    (["blocked", "allowed"] as const).map((which): Attempt => {
      const result = runCell({
        transform,
        censor: makeCensor(name, { blocked: [BLOCKED_NAME], hopsToServer: HOPS_AFTER }),
        message: scheme === "https" ? "tls" : "http",
        family,
        host: which === "blocked" ? BLOCKED_NAME : ALLOWED_NAME,
        link: { hopsBefore: HOPS_BEFORE, hopsAfter: HOPS_AFTER },
      });
      const isWrong = result.outcome === "broken" || result.outcome === "forged";
      const outcome: Outcome = isWrong ? "wrong" : result.outcome;
      return { label: `IPv${family}`, name: which, outcome, detail: `server saw ${result.host ?? "no name"}` };
    }),
  );
}
