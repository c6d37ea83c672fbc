// Tokens to a tree of words. Knows the shape of the notation and none of its words; the checker knows those.
//
//   strategy  = operation | { [";"] clause }
//   clause    = word ":" operation { operation }
//   operation = word [ "(" [ argument { "," argument } ] ")" ]
//   argument  = word [ "=" word ]
import { ProfileError } from "../errors.ts";
import { positionAt } from "../position.ts";
import { shown } from "../wording.ts";
import { lex, type Sign, type Token } from "./lexer.ts";

export interface ArgumentTree {
  readonly word: Token;
  readonly value?: Token;
}

export interface OperationTree {
  readonly word: Token;
  /** Absent: no parentheses. */
  readonly arguments?: readonly ArgumentTree[];
}

export interface ClauseTree {
  readonly kind: Token;
  readonly operations: readonly OperationTree[];
}

/** Operations that stand before any `kind:` are `loose`; only `pass` may. */
export interface StrategyTree {
  readonly loose: readonly OperationTree[];
  readonly clauses: readonly ClauseTree[];
}

/** The error of a strategy text, at the token or index that is wrong. */
export function strategyError(text: string, at: number | Token, message: string): ProfileError {
  const position = positionAt(text, typeof at === "number" ? at : at.index);
  return new ProfileError("E_STRATEGY", [{ message, ...position }], "strategy");
}

/**
 * The tree of a strategy text.
 * @throws ProfileError E_STRATEGY where the text does not have the shape of the notation
 */
export function parseTree(text: string): StrategyTree {
  return new Parser(text).strategy();
}

class Parser {
  private readonly tokens: readonly Token[];
  private next = 0;

  constructor(private readonly text: string) {
    this.tokens = lex(text);
  }

  strategy(): StrategyTree {
    const loose = this.operations();
    const clauses: ClauseTree[] = [];
    for (;;) {
      while (this.take(";"));
      const kind = this.peek();
      if (kind.kind === "end") return { loose, clauses };
      this.expect("word", "the kind of a message");
      if (!this.take(":")) throw this.unexpected(`":" behind ${shown(kind.text)}`);
      clauses.push({ kind, operations: this.operations() });
    }
  }

  /** Operations up to the next clause, semicolon or end. */
  private operations(): readonly OperationTree[] {
    const operations: OperationTree[] = [];
    while (this.peek().kind === "word" && this.peek(1).kind !== ":") operations.push(this.operation());
    const { kind } = this.peek();
    if (kind !== "word" && kind !== ";" && kind !== "end") throw this.unexpected("a technique or a clause");
    return operations;
  }

  private operation(): OperationTree {
    const word = this.expect("word", "a technique");
    if (!this.take("(")) return { word };
    const found: ArgumentTree[] = [];
    if (this.take(")")) return { word, arguments: found };
    do {
      found.push(this.argument(word));
    } while (this.take(","));
    if (!this.take(")")) throw this.unexpected(`"," or ")" in ${word.text}(…)`);
    return { word, arguments: found };
  }

  private argument(operation: Token): ArgumentTree {
    const word = this.expect("word", `a parameter of ${operation.text}`);
    if (!this.take("=")) return { word };
    return { word, value: this.expect("word", `a value behind "${word.text}="`) };
  }

  private peek(ahead = 0): Token {
    return this.tokens[this.next + ahead] ?? { kind: "end", text: "", index: this.text.length };
  }

  private take(sign: Sign): boolean {
    if (this.peek().kind !== sign) return false;
    this.next += 1;
    return true;
  }

  private expect(kind: Token["kind"], what: string): Token {
    const token = this.peek();
    if (token.kind !== kind) throw this.unexpected(what);
    this.next += 1;
    return token;
  }

  private unexpected(what: string): ProfileError {
    const token = this.peek();
    const found = token.kind === "end" ? "the end" : shown(token.text);
    return strategyError(this.text, token, `strategy: expected ${what}, found ${found}`);
  }
}
