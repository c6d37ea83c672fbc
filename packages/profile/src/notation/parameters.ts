// How the parameters of a technique are read: each has the form in which messages show it, and takes its arguments.
import { REPEATS_MAX } from "@bunnel/abi";
import type { ProfileError } from "../errors.ts";
import { anyOf, didYouMean, shown, suggestion } from "../wording.ts";
import type { Kind } from "./kinds.ts";
import type { Token } from "./lexer.ts";
import { strategyError, type ArgumentTree, type OperationTree } from "./parser.ts";
import type { Operation } from "./strategy.ts";
import { PARAMETERS_ELSEWHERE } from "./techniques.ts";

/** One parameter of a technique. */
export interface Parameter {
  /** As messages show it: `ttl=1..255`. */
  readonly form: string;
  /** The word it starts with; absent for numbers and points, which `takes` knows. */
  readonly word?: string;
  /** Words that a slip of the keyboard may have been meant for, besides that one. */
  readonly near?: readonly string[];
  takes?(argument: ArgumentTree): boolean;
  read(argument: ArgumentTree): void;
}

/** The parameters of a technique, and the operation that they make once all are read. */
export interface Reading<Result = Operation> {
  readonly parameters: readonly Parameter[];
  finish(): Result;
}

/** The technique that is being read: where it stands, and how its mistakes are told. */
export class Scope {
  private readonly seen = new Set<string>();

  constructor(
    readonly text: string,
    readonly kind: Kind,
    readonly tree: OperationTree,
  ) {}

  get word(): string {
    return this.tree.word.text;
  }

  get arguments(): readonly ArgumentTree[] {
    return this.tree.arguments ?? [];
  }

  error(at: number | Token, message: string): ProfileError {
    return strategyError(this.text, at, message);
  }

  /** Gives each argument to the parameter that takes it. */
  read(parameters: readonly Parameter[]): void {
    for (const argument of this.arguments) {
      const { word } = argument;
      // A bare `host` is a point, `host=` a name.
      const parameter =
        parameters.find((known) => known.takes?.(argument)) ?? parameters.find((known) => known.word === word.text);
      if (!parameter) throw this.error(word, this.unknown(parameters, argument));
      parameter.read(argument);
    }
  }

  /** The second of what there is one of is an error. */
  once({ word }: ArgumentTree, what: string): void {
    if (this.seen.has(what)) {
      throw this.error(word, `${this.word}: expected one ${what}, found a second: ${shown(word.text)}`);
    }
    this.seen.add(what);
  }

  noValue({ word, value }: ArgumentTree): void {
    if (value) throw this.error(value, `${word.text}: expected no value, found ${shown(value.text)}`);
  }

  /** A whole number, decimal, that has no sign where none can be negative. */
  whole(at: number, thing: string, digits: string | undefined, min: number, max: number): number {
    const isNumber = (min < 0 ? /^[+-]?\d+$/ : /^\d+$/).test(digits ?? "");
    const number = isNumber ? Number(digits) + 0 : Number.NaN;
    if (number >= min && number <= max) return number;
    const found = /^[+-]?\d+$/.test(digits ?? "") ? digits : shown(digits);
    throw this.error(at, `${thing}: expected a whole number from ${min} to ${max}, found ${found}`);
  }

  /** The number behind `word=`. */
  valueOf({ word, value }: ArgumentTree, min: number, max: number): number {
    return this.whole((value ?? word).index, word.text, value?.text, min, max);
  }

  private unknown(parameters: readonly Parameter[], { word, value }: ArgumentTree): string {
    const found = value && !parameters.some((known) => known.word) ? `${word.text}=${value.text}` : word.text;
    const expected = `expected ${anyOf(parameters.map(({ form }) => form))}, found ${shown(found)}`;
    return `${this.kind} ${this.word} parameter: ${expected}${this.near(parameters, word.text)}`;
  }

  private near(parameters: readonly Parameter[], found: string): string {
    const [elsewhere = "", needed = ""] = Object.hasOwn(PARAMETERS_ELSEWHERE, found)
      ? (PARAMETERS_ELSEWHERE[found] ?? [])
      : [];
    if (elsewhere !== "" && parameters.some(({ form }) => form.includes(needed))) return didYouMean(elsewhere);
    const words = parameters.flatMap(({ word, near = [] }) => (word === undefined ? near : [word, ...near]));
    // The other kind's word for a name is no slip of the keyboard.
    const meant = NAME_WORDS.includes(found) ? words.find((word) => NAME_WORDS.includes(word)) : undefined;
    // Of a point only the marker can be meant: behind it stands a number.
    const bare = found.replace(/[+-]\d+$/, "");
    return meant === undefined ? suggestion(bare, words) : didYouMean(meant);
  }
}

/** What kinds of message call a host name. */
const NAME_WORDS: readonly string[] = ["sni", "host"];

/** A bare word, at most once. */
export function wordParameter(scope: Scope, word: string, act: () => void): Parameter {
  return {
    form: word,
    word,
    read(argument) {
      scope.once(argument, word);
      scope.noValue(argument);
      act();
    },
  };
}

/** `x6`: how often a fake is sent. */
export function repeatsParameter(scope: Scope, draft: { repeats: number }): Parameter {
  return {
    form: `x1..x${REPEATS_MAX}`,
    takes: ({ word }) => /^x[+-]?\d+$/.test(word.text),
    read(argument) {
      scope.once(argument, "xN");
      scope.noValue(argument);
      draft.repeats = scope.whole(argument.word.index, "repeats", argument.word.text.slice(1), 1, REPEATS_MAX);
    },
  };
}

/** `568` or `+8`: the number that a technique takes. */
export function numberParameter(scope: Scope, form: string, take: (number: number) => void, range: Range): Parameter {
  return {
    form,
    takes: ({ word }) => /^[+-]?\d/.test(word.text),
    read(argument) {
      scope.once(argument, "number");
      scope.noValue(argument);
      take(scope.whole(argument.word.index, scope.word, argument.word.text, range.min, range.max));
    },
  };
}

export interface Range {
  readonly min: number;
  readonly max: number;
}
