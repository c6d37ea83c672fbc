// What the rules of a profile have done, put together from the rules of the table that was made of it.
import type { Engine, FlowInfo } from "@bunnel/engine";
import { tableRules, type Profile } from "@bunnel/profile";

export class RuleFigures {
  #of: Profile | undefined;
  /** For each rule of the table its index in the profile; undefined: none of its rules. */
  #indexes: readonly (number | undefined)[] = [];

  constructor(readonly engine: Engine) {}

  /** Messages that each rule of the profile in force has decided, by its index there. */
  decided(profile: Profile): number[] {
    const indexes = this.#indexesOf(profile);
    const sums = profile.rules.map(() => 0);
    for (const [i, messages] of this.engine.ruleCounts(indexes.length).entries()) {
      const rule = indexes[i];
      if (rule !== undefined) sums[rule] = (sums[rule] ?? 0) + messages;
    }
    return sums;
  }

  /** The flows, their rules as indexes of the profile. One that an earlier profile decided may show a wrong rule. */
  flows(profile: Profile): FlowInfo[] {
    const indexes = this.#indexesOf(profile);
    return this.engine.flows(Date.now() >>> 0).map((flow) => {
      return { ...flow, rule: flow.rule === undefined ? undefined : indexes[flow.rule] };
    });
  }

  /** The profile's index of a rule of the table. */
  ruleOf(profile: Profile, tableRule: number): number | undefined {
    return this.#indexesOf(profile)[tableRule];
  }

  /** Made when somebody asks: with large lists it takes a second. */
  #indexesOf(profile: Profile): readonly (number | undefined)[] {
    if (this.#of !== profile) {
      this.#of = profile;
      this.#indexes = tableRules(profile).map(({ ruleIndex }) => ruleIndex);
    }
    return this.#indexes;
  }
}
