// What a strategy is worth against a box: it meets it on several paths, and the fitness follows from what came of
// that.
//
//   served on every path         100, less its size and a half for each packet that it adds
//   stopped by the box            10 for all paths together that were served, less a tenth of its size
//   broken, no box to blame      -50, less a tenth of its size
//
// So a strategy that passes beats every one that does not, of two that pass the smaller wins, one that is caught is
// worth more than one that breaks the connection (Geneva's order of merit), and the empty one stands at 0.
import { POST_QUANTUM_SHARE_BYTES } from "@bunnel/wire";
import { makeBox } from "../censors/axis-censor.ts";
import type { Censor, CensorMaker } from "../censors/censor.ts";
import { galleryEntry, isCensorName } from "../censors/gallery.ts";
import { CENSOR_KIT, importCensor } from "../censors/own-censor.ts";
import type { Scene } from "../censors/gallery.ts";
import type { NatKind } from "../link/nat.ts";
import { LINK_HOPS_AFTER } from "../link/link.ts";
import { EngineRig, strategyTable } from "../matrix/engine-rig.ts";
import { CELL_HOST, runCell } from "../matrix/run-cell.ts";
import type { CellOptions, Outcome } from "../matrix/run-cell.ts";

/** Whom a search is against: a model of the gallery, or the default export of a file. */
export type Opponent =
  | { readonly kind: "gallery"; readonly name: string }
  | { readonly kind: "file"; readonly path: string; readonly message: Scene["message"] };

export interface Evaluation {
  /** By path. */
  readonly outcomes: readonly Outcome[];
  /** Packets that the client's machine sent, all paths together. */
  readonly sent: number;
  /** What the box took offence at, where it did. */
  readonly matched: string | undefined;
}

/** Paths on which every strategy is tried. */
interface Path {
  readonly family: 4 | 6;
  readonly seed: number;
  /** Octets of a hello's key share: a post-quantum one makes it longer than a packet. */
  readonly keyShareBytes?: number;
}
const PATHS: readonly Path[] = [
  { family: 4, seed: 11 },
  { family: 6, seed: 12 },
  { family: 4, seed: 13, keyShareBytes: POST_QUANTUM_SHARE_BYTES },
  { family: 6, seed: 14, keyShareBytes: POST_QUANTUM_SHARE_BYTES },
];
/** Nothing is lost on these paths: what a box kept once it keeps again, so that one repetition says as much as five. */
const RETRANSMIT_MAX = 1;
/** Connections of one evaluation. */
export const EVALUATION_CONNECTIONS: number = PATHS.length;

export class Evaluator {
  readonly scene: Scene;
  readonly #rig: EngineRig;
  /** Each connection resets it first, so one serves all. */
  readonly #censor: Censor;
  readonly #nat: NatKind;

  private constructor(rig: EngineRig, make: CensorMaker, scene: Scene, nat: NatKind) {
    this.#rig = rig;
    this.#censor = make({ blocked: [CELL_HOST], hopsToServer: LINK_HOPS_AFTER }, CENSOR_KIT);
    this.scene = scene;
    this.#nat = nat;
  }

  /** @throws Error when the opponent's file cannot be read or exports no censor */
  static async create(opponent: Opponent, nat: NatKind = "none"): Promise<Evaluator> {
    const { make, scene } = await openOpponent(opponent);
    return new Evaluator(await EngineRig.create(), make, scene, nat);
  }

  /** @param strategy in the notation; "pass" for none */
  evaluate(strategy: string): Evaluation {
    this.#rig.load(strategy === "pass" ? undefined : strategyTable(strategy));
    const { message, timestamps, answerBytes } = this.scene;
    const results = PATHS.map(({ family, seed, keyShareBytes }) => {
      const censor = this.#censor;
      const link: CellOptions["link"] = { nat: this.#nat, events: false };
      const cell: CellOptions = { gateway: this.#rig.gateway, censor, message, timestamps, family, seed, link };
      return runCell({
        ...cell,
        retransmitMax: RETRANSMIT_MAX,
        ...(answerBytes !== undefined && { answerBytes }),
        ...(keyShareBytes !== undefined && { hello: { keyShareBytes } }),
      });
    });
    return {
      outcomes: results.map(({ outcome }) => outcome),
      sent: results.reduce((sum, { packets }) => sum + packets.sent, 0),
      matched: results.find(({ matched }) => matched !== undefined)?.matched,
    };
  }
}

async function openOpponent(opponent: Opponent): Promise<{ readonly make: CensorMaker; readonly scene: Scene }> {
  if (opponent.kind === "file") {
    const make = await importCensor(opponent.path);
    return { make, scene: { message: opponent.message, timestamps: true } };
  }
  if (!isCensorName(opponent.name)) throw new Error(`censor: expected a model's name, found ${opponent.name}`);
  const { model, scene } = galleryEntry(opponent.name);
  return { make: (options) => makeBox(model, options), scene };
}

export function passes({ outcomes }: Evaluation): boolean {
  return outcomes.every((outcome) => outcome === "served");
}

/**
 * See the top of this file.
 * @param size of the strategy: four for each technique, one for each word
 * @param leastSent packets that are sent without a strategy where nobody watches
 */
export function fitnessOf(evaluation: Evaluation, size: number, leastSent: number): number {
  const { outcomes, sent } = evaluation;
  if (passes(evaluation)) return 100 - size - Math.max(0, sent - leastSent) / 2;
  if (outcomes.includes("broken")) return -50 - size / 10;
  const served = outcomes.filter((outcome) => outcome === "served").length;
  return (10 * served) / outcomes.length - size / 10;
}
