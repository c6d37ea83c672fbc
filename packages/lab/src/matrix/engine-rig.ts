// The engine of a simulation: one instance of the shipped binary, one gateway, one strategy at a time.
import { Engine } from "@bunnel/engine";
import { encodeRules, parseProfile, readRuleStrategy } from "@bunnel/profile";
import type { Profile, Rule } from "@bunnel/profile";
import { EngineGateway } from "../link/engine-gateway.ts";
import type { Gateway } from "../link/gateway.ts";

/** Secret of the flow table and seed of built decoys: fixed, so that equal runs are equal. */
const SEED = 1n;
const TABLE_SEED = 1;
/** One connection at a time is all that there is. */
const FLOWS_MAX = 7;

export class EngineRig {
  readonly #engine: Engine;
  readonly gateway: Gateway;

  private constructor(engine: Engine) {
    this.#engine = engine;
    this.gateway = new EngineGateway(engine);
  }

  static async create(): Promise<EngineRig> {
    return new EngineRig(await Engine.create({ seed: SEED, maxFlows: FLOWS_MAX, warm: false }));
  }

  /** Puts a table in force; undefined: every packet passes as it is. */
  load(table: Uint8Array | undefined): void {
    if (table === undefined) this.#engine.unloadRules();
    else this.#engine.loadRules(table);
  }
}

/** A profile of one rule, for every host and port; the strategy is put in its place. */
const TEMPLATE: Profile = parseProfile('[[rule]]\nname = "lab"\nports = ["1-65535"]\nstrategy = "pass"\n');

/**
 * The rule table of one strategy for every host and port, in the notation or as `preset:name`.
 * @throws ProfileError E_STRATEGY with what is wrong in the strategy
 */
export function strategyTable(strategy: string): Uint8Array {
  const read = readRuleStrategy(strategy);
  const rules = TEMPLATE.rules.map((rule): Rule => ({ ...rule, ...read }));
  return encodeRules({ ...TEMPLATE, rules }, { seed: TABLE_SEED });
}
