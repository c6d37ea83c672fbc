// The tree of words to a strategy: every word is known, every number within its limits, and every operation can act.
import { OPS_MAX } from "@bunnel/abi";
import { deepFreeze } from "../freeze.ts";
import { anyOf, shown, suggestion } from "../wording.ts";
import { checkFake } from "./check-fake.ts";
import { checkPoints } from "./check-points.ts";
import { parseTree, strategyError, type ClauseTree, type OperationTree } from "./parser.ts";
import { KINDS, type Clause, type Kind, type Operation, type Strategy } from "./strategy.ts";

const TECHNIQUES = ["split", "disorder", "fake"] as const;
/** The word for: leave it alone. */
export const PASS = "pass";

/** Words of the notation as users of such tools know it, which this version does not carry out. */
const LATER_KINDS: readonly string[] = ["quic", "dns", "syn", "udp", "stun", "discord", "wireguard"];
const LATER_TECHNIQUES: readonly string[] = [
  "multisplit",
  "multidisorder",
  "fakedsplit",
  "fakeddisorder",
  "hostfakesplit",
  "seqovl",
  "tlsrec",
  "oob",
  "ipfrag",
  "udplen",
  "synack",
  "syndata",
  "delay",
  "doh",
];

/**
 * The strategy that the text says, checked and frozen.
 * @throws ProfileError E_STRATEGY with line and column of the first thing that is wrong
 */
export function parseStrategy(text: string): Strategy {
  const tree = parseTree(text);
  const [first, second] = tree.loose;
  if (first === undefined && tree.clauses.length === 0) {
    throw strategyError(text, 0, `strategy: expected clauses such as "tls: split(1)", or "${PASS}", found nothing`);
  }
  if (first?.word.text === PASS) {
    refuseArguments(text, first);
    const more = second?.word ?? tree.clauses[0]?.kind;
    if (more) throw strategyError(text, more, `strategy: expected nothing behind "${PASS}", found ${shown(more.text)}`);
    return deepFreeze({ clauses: KINDS.map((kind): Clause => ({ kind, operations: [] })) });
  }
  if (first) {
    const kinds = anyOf(KINDS.map((kind) => `"${kind}:"`));
    throw strategyError(
      text,
      first.word,
      `strategy: expected ${kinds} before the first technique, found ${shown(first.word.text)}`,
    );
  }
  const clauses = new Map<Kind, Clause>();
  for (const clause of tree.clauses) {
    const kind = checkKind(text, clause);
    if (clauses.has(kind)) {
      throw strategyError(
        text,
        clause.kind,
        `strategy: expected one clause of each kind, found "${kind}:" a second time`,
      );
    }
    clauses.set(kind, { kind, operations: checkOperations(text, kind, clause) });
  }
  return deepFreeze({ clauses: KINDS.flatMap((kind) => clauses.get(kind) ?? []) });
}

function checkKind(text: string, { kind: token }: ClauseTree): Kind {
  const kind = KINDS.find((known) => known === token.text);
  if (kind !== undefined) return kind;
  const later = LATER_KINDS.includes(token.text) ? ", which is not in this version" : suggestion(token.text, KINDS);
  throw strategyError(text, token, `kind of message: expected ${anyOf(KINDS)}, found ${shown(token.text)}${later}`);
}

function checkOperations(text: string, kind: Kind, clause: ClauseTree): readonly Operation[] {
  const [first, second] = clause.operations;
  if (first === undefined) {
    const at = clause.kind.index + clause.kind.text.length + 1;
    throw strategyError(text, at, `${kind} clause: expected ${anyOf([...TECHNIQUES, PASS])}, found nothing`);
  }
  if (first.word.text === PASS) {
    refuseArguments(text, first);
    if (second === undefined) return [];
    const found = shown(second.word.text);
    throw strategyError(text, second.word, `${kind} clause: expected nothing behind "${PASS}", found ${found}`);
  }
  const beyond = clause.operations[OPS_MAX];
  if (beyond) {
    const found = clause.operations.length;
    throw strategyError(text, beyond.word, `${kind} clause: expected at most ${OPS_MAX} techniques, found ${found}`);
  }
  const operations: Operation[] = [];
  for (const operation of clause.operations) {
    operations.push(checkOperation(text, kind, operation, operations));
  }
  return operations;
}

function checkOperation(text: string, kind: Kind, tree: OperationTree, before: readonly Operation[]): Operation {
  const { word } = tree;
  const technique = TECHNIQUES.find((known) => known === word.text);
  switch (technique) {
    case "split":
      return { technique, points: checkPoints(text, kind, tree) };
    case "fake":
      return checkFake(text, kind, tree);
    case "disorder":
      refuseArguments(text, tree);
      if (before.some((operation) => operation.technique === "split")) return { technique };
      throw strategyError(text, word, "disorder: expected a split before it, found none: one piece has no order");
    case undefined: {
      const later = LATER_TECHNIQUES.includes(word.text) ? ", which is not in this version" : "";
      const expected = `expected ${anyOf(TECHNIQUES)}, found ${shown(word.text)}${later}`;
      const near = later === "" ? suggestion(word.text, [...TECHNIQUES, PASS]) : "";
      throw strategyError(text, word, `${kind} technique: ${expected}${near}`);
    }
  }
}

function refuseArguments(text: string, { word, arguments: found }: OperationTree): void {
  if (found === undefined) return;
  throw strategyError(text, word.index + word.text.length, `${word.text}: expected no parentheses, found some`);
}
