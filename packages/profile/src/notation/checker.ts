// A tree of words to a strategy: every word known, every parameter in range, and every operation can act.
import { OPS_MAX, PLAN_STEPS_MAX } from "@bunnel/abi";
import { deepFreeze } from "../freeze.ts";
import { anyOf, didYouMean, shown, suggestion } from "../wording.ts";
import { KINDS, type Kind } from "./kinds.ts";
import { Scope } from "./parameters.ts";
import { parseTree, strategyError, type ClauseTree, type OperationTree } from "./parser.ts";
import { readSplit } from "./read-cuts.ts";
import { READERS } from "./reading.ts";
import { stepsOf } from "./steps.ts";
import type { Clause, Operation, Strategy, TechniqueName } from "./strategy.ts";
import { ALIASES, ALL_TECHNIQUE_KINDS, ELSEWHERE, isAlias, techniquesOf } from "./techniques.ts";

/** The word for: leave it alone. */
export const PASS = "pass";

/** Words of the notation as users of such tools know it, which this version does not carry out. */
const LATER_KINDS: readonly string[] = ["udp", "stun", "discord", "wireguard"];

/** What becomes of a message that goes nowhere: whatever stood beside it would do nothing. */
const ALONE: readonly string[] = ["drop", "doh", "redirect"];

/** A second one would undo the first. */
const ONCE: readonly TechniqueName[] = [
  ...(["seqovl", "syndata", "window", "mss", "httphost", "udplen"] as const),
  ...(["ipfrag", "ipid", "dup", "delay", "ttl", "tos"] as const),
  ...(["tlsrec", "oob", "hostpad", "hostdot", "hosttab", "methodspace", "methodeol"] as const),
];
/** Techniques that make pieces of a message. */
const CUTTING: readonly TechniqueName[] = ["split", "fakedsplit", "hostfakesplit", "oob"];

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
    const found = shown(first.word.text);
    throw strategyError(text, first.word, `strategy: expected ${kinds} before the first technique, found ${found}`);
  }
  const clauses = new Map<Kind, Clause>();
  for (const clause of tree.clauses) {
    const kind = checkKind(text, clause);
    if (clauses.has(kind)) {
      const message = `strategy: expected one clause of each kind, found "${kind}:" a second time`;
      throw strategyError(text, clause.kind, message);
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
    throw strategyError(text, at, `${kind} clause: expected ${anyOf([...techniquesOf(kind), PASS])}, found nothing`);
  }
  if (first.word.text === PASS) {
    refuseArguments(text, first);
    if (second === undefined) return [];
    const found = shown(second.word.text);
    throw strategyError(text, second.word, `${kind} clause: expected nothing behind "${PASS}", found ${found}`);
  }
  const operations: Operation[] = [];
  for (const tree of clause.operations) {
    const scope = new Scope(text, kind, tree);
    for (const operation of readOperation(scope)) {
      checkPlace(scope, operation, operations);
      operations.push(operation);
    }
  }
  checkSize(text, clause, operations);
  return operations;
}

/** One operation; two where a word means a technique with `disorder` behind it. */
function readOperation(scope: Scope): readonly Operation[] {
  const { word } = scope;
  if (isAlias(word)) {
    const { technique, disorder } = ALIASES[word];
    if (!ALL_TECHNIQUE_KINDS[technique].includes(scope.kind)) throw unknownTechnique(scope);
    const operation = readParameters(scope, technique);
    return disorder ? [operation, { technique: "disorder" }] : [operation];
  }
  const technique = techniquesOf(scope.kind).find((known) => known === word);
  if (technique === undefined) throw unknownTechnique(scope);
  if (technique !== "disorder") return [readParameters(scope, technique)];
  if (scope.tree.arguments === undefined) return [{ technique }];
  const split = readSplit(scope);
  scope.read(split.parameters);
  return [split.finish(), { technique }];
}

function readParameters(scope: Scope, technique: Exclude<TechniqueName, "disorder">): Operation {
  const reading = READERS[technique](scope);
  if (reading.parameters.length === 0) refuseArguments(scope.text, scope.tree);
  scope.read(reading.parameters);
  return reading.finish();
}

function unknownTechnique(scope: Scope) {
  const { kind, word, tree } = scope;
  const known = techniquesOf(kind);
  const elsewhere = Object.hasOwn(ELSEWHERE, word) ? ELSEWHERE[word] : undefined;
  const technique = isAlias(word) ? ALIASES[word].technique : word;
  const foreign = Object.entries(ALL_TECHNIQUE_KINDS).find(([name]) => name === technique);
  let why = suggestion(word, [...known, PASS]);
  if (elsewhere !== undefined) why = didYouMean(elsewhere);
  else if (foreign) why = `, which is for ${anyOf(foreign[1])}`;
  return scope.error(tree.word, `${kind} technique: expected ${anyOf(known)}, found ${shown(word)}${why}`);
}

/** What an operation needs of those before it. */
function checkPlace(scope: Scope, operation: Operation, before: readonly Operation[]): void {
  const { technique } = operation;
  const { word } = scope.tree;
  const isCut = before.some((earlier) => CUTTING.includes(earlier.technique));
  if (technique === "disorder" && !isCut) {
    throw scope.error(word, "disorder: expected a split before it, found none: one piece has no order");
  }
  if (technique === "seqovl" && operation.second && !isCut) {
    throw scope.error(word, "seqovl: expected a split before second, found none: one piece has no second");
  }
  if (ONCE.includes(technique) && before.some((earlier) => earlier.technique === technique)) {
    throw scope.error(word, `${scope.kind} clause: expected one ${technique}, found a second`);
  }
  const [first] = before;
  if (first === undefined) return;
  const [alone, beside] = ALONE.includes(technique) ? [technique, first.technique] : [first.technique, technique];
  if (ALONE.includes(alone)) throw scope.error(word, `${alone}: expected nothing beside it, found ${shown(beside)}`);
}

function checkSize(text: string, clause: ClauseTree, operations: readonly Operation[]): void {
  const kind = clause.kind.text;
  if (operations.length > OPS_MAX) {
    const at = clause.operations[OPS_MAX]?.word ?? clause.kind;
    const message = `${kind} clause: expected at most ${OPS_MAX} techniques, found ${operations.length}`;
    throw strategyError(text, at, message);
  }
  const steps = stepsOf(operations);
  if (steps <= PLAN_STEPS_MAX) return;
  const message = `${kind} clause: expected at most ${PLAN_STEPS_MAX} pieces and fakes, found ${steps}`;
  throw strategyError(text, clause.kind, message);
}

function refuseArguments(text: string, { word, arguments: found }: OperationTree): void {
  if (found === undefined) return;
  throw strategyError(text, word.index + word.text.length, `${word.text}: expected no parentheses, found some`);
}
