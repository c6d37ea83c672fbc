// What is wrong with a rule's strategy under the egress that the rule asks for.
import {
  CARRIES,
  egressOf,
  egressRefusals,
  EGRESSES,
  type Carries,
  type Egress,
  type EgressRefusal,
} from "../notation/egress.ts";
import { isStreamKind } from "../notation/kinds.ts";
import type { Strategy } from "../notation/strategy.ts";
import { shown } from "../wording.ts";

/** Something that is wrong, and the word of the strategy's text that it is about. */
export interface EgressFault {
  readonly text: string;
  readonly word: string;
}

/** Every technique that cannot leave as the rule's `egress` says. A value that is no egress is not told here. */
export function egressFaults(strategy: Strategy, egress: unknown): readonly EgressFault[] {
  const asked = EGRESSES.find((known) => known === (egress ?? "auto"));
  if (asked === undefined) return [];
  const needStream = egressRefusals(strategy, "packet");
  const needPackets = egressRefusals(strategy, "stream");
  if (asked === "packet") return needStream.map((refusal) => fault(refusal, asked));
  if (asked === "stream") return needPackets.map((refusal) => fault(refusal, asked));
  const [cause] = needStream;
  if (cause === undefined) return [];
  return needPackets.map(({ kind, operation, why }) => ({
    text:
      `${kind} ${operation.technique}: expected a technique of stream egress beside ${cause.operation.technique}, ` +
      `found one that ${why}`,
    word: operation.technique,
  }));
}

function fault({ kind, operation, why }: EgressRefusal, asked: Exclude<Egress, "auto">): EgressFault {
  const other = asked === "packet" ? "stream" : "packet";
  const { technique } = operation;
  return {
    text: `${kind} ${technique}: expected egress "${other}" or "auto", found "${asked}": it ${why}`,
    word: technique,
  };
}

/** Why a rule's `carries` cannot stand beside its egress and strategy; undefined: it can. */
export function carriesFault(strategy: Strategy, egress: unknown, carries: unknown): string | undefined {
  const asked = EGRESSES.find((known) => known === (egress ?? "auto"));
  if (asked === undefined || !Array.isArray(carries)) return undefined;
  const own: readonly Carries[] = CARRIES.filter((each) => carries.includes(each));
  const [first] = own.filter((each) => each !== "tcp");
  if (first !== undefined && egressOf({ strategy, egress: asked }) !== "stream") {
    return `expected egress "stream" beside ${shown(first)}, found ${shown(asked)}`;
  }
  const treated = strategy.clauses.find(({ kind, operations }) => isStreamKind(kind) && operations.length > 0);
  if (first === undefined || own.includes("tcp") || treated === undefined) return undefined;
  return `expected "tcp" beside a strategy for ${treated.kind}, found none`;
}
