// A strategy is a list of techniques; each is a pass over the plan.
import { Technique } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { Plan } from "../plan/plan";
import { opCount, Operation } from "../rules/table";
import { disorder } from "./disorder";
import { fake } from "./fake";
import { split } from "./split";

/** Runs all passes. False: none could act, the message stays as it is. */
export function runStrategy(plan: Plan, message: Message, table: usize, strategy: usize): bool {
  const n = opCount(strategy);
  let acted = false;
  for (let i = 0; i < n; i++) {
    const op = Operation.at(table, strategy, i);
    const technique = op.technique;
    if (technique == Technique.Split) {
      if (split(plan, message, op)) acted = true;
    } else if (technique == Technique.Disorder) {
      if (disorder(plan)) acted = true;
    } else if (technique == Technique.Fake) {
      if (fake(plan, message, op, table)) acted = true;
    }
  }
  return acted;
}
