// The foolings of a technique that makes fakes.
import { anyOf, shown } from "../wording.ts";
import {
  AUTO_TTL_DEFAULT,
  BADSEQ,
  BADSEQ_DEFAULT,
  FOOLINGS,
  TS,
  TS_DEFAULT,
  type AutoTtl,
  type FoolingWord,
  type Foolings,
} from "./content.ts";
import type { Token } from "./lexer.ts";
import type { ArgumentTree } from "./parser.ts";
import { wordParameter, type Parameter, type Scope } from "./parameters.ts";

export const HOPS = { min: 1, max: 255 } as const;
const I8 = { min: -0x80, max: 0x7f } as const;
const I32 = { min: -0x8000_0000, max: 0x7fff_ffff } as const;
const IN_WINDOW = "the server would keep what lies in its window";
const HARDLY_OLDER = "the server would take a stamp that is hardly older";

interface Range {
  readonly min: number;
  readonly max: number;
}

/** What has been read so far. */
export type FoolingDraft = { -readonly [Word in keyof Foolings]: Foolings[Word] };

export interface FoolingChoice {
  readonly words: readonly FoolingWord[];
  /** Whether a SYN,ACK has told the distance when the fake is sent. */
  readonly auto: boolean;
  /** Why a fake without any would do harm; absent: it would not. */
  readonly needed?: string;
}

const UNSPOILT = "the server would read a fake that nothing spoils";

/** A fake in a stream: the server would read it, so at least one is needed. */
export const STREAM_FOOLINGS: FoolingChoice = { words: FOOLINGS, auto: true, needed: UNSPOILT };
/** Datagrams stand alone: one that the server cannot use does no harm. */
export const DATAGRAM_FOOLINGS: FoolingChoice = { words: ["ttl", "badsum"], auto: false };
/** A server that waits for a SYN answers a SYN,ACK with an RST that the client ignores (RFC 9293 section 3.10.7). */
export const SYN_FOOLINGS: FoolingChoice = { words: ["ttl", "badsum", "md5sig"], auto: false };
/** An RST has no payload, needs no ACK, and its time stamp is not looked at (RFC 7323 section 5.2). */
export const RST_FOOLINGS: FoolingChoice = {
  words: ["ttl", "badsum", "badseq", "md5sig"],
  auto: true,
  needed: "the server would end the connection",
};

export function foolingParameters(scope: Scope, draft: FoolingDraft, choice: FoolingChoice): Parameter[] {
  const { words, auto } = choice;
  const parameters: Readonly<Record<FoolingWord, Parameter>> = {
    ttl: ttlParameter(scope, draft, auto),
    badsum: wordParameter(scope, "badsum", () => (draft.badsum = true)),
    badseq: badseqParameter(scope, draft),
    md5sig: wordParameter(scope, "md5sig", () => (draft.md5sig = true)),
    datanoack: wordParameter(scope, "datanoack", () => (draft.datanoack = true)),
    ts: tsParameter(scope, draft),
    dataofs: wordParameter(scope, "dataofs", () => (draft.dataofs = true)),
  };
  return words.map((word) => parameters[word]);
}

/** The foolings that were read, or an error where one is needed and none was. */
export function finishFoolings(scope: Scope, draft: FoolingDraft, { words, needed }: FoolingChoice): Foolings {
  if (needed === undefined || Object.keys(draft).length > 0) return draft;
  const message = `${scope.word}: expected a fooling, ${anyOf(words)}, found none: ${needed}`;
  throw scope.error(scope.tree.word, message);
}

function ttlParameter(scope: Scope, draft: FoolingDraft, auto: boolean): Parameter {
  return {
    form: auto ? `ttl=1..${HOPS.max}, ttl=auto-1:3-20` : `ttl=1..${HOPS.max}`,
    word: "ttl",
    read(argument) {
      if (auto && argument.value && !/^[+-]?\d+$/.test(argument.value.text)) {
        scope.once(argument, "ttl=auto");
        draft.autoTtl = readAutoTtl(scope, argument);
        return;
      }
      scope.once(argument, "ttl");
      draft.ttl = scope.valueOf(argument, HOPS.min, HOPS.max);
    },
  };
}

/** `auto`, `auto-1`, `auto-1:3-20`. */
function readAutoTtl(scope: Scope, { word, value = word }: ArgumentTree): AutoTtl {
  const [found, delta, min, max] = /^auto([+-]\d+)?(?::(\d+)-(\d+))?$/.exec(value.text) ?? [];
  if (found === undefined) {
    const expected = `expected a whole number from ${HOPS.min} to ${HOPS.max}, or auto as in auto-1:3-20`;
    throw scope.error(value, `ttl: ${expected}, found ${shown(value.text)}`);
  }
  const auto = {
    delta: delta === undefined ? AUTO_TTL_DEFAULT.delta : scope.whole(value.index + 4, "ttl", delta, I8.min, I8.max),
    min: min === undefined ? AUTO_TTL_DEFAULT.min : scope.whole(value.index, "least ttl", min, HOPS.min, HOPS.max),
    max: max === undefined ? AUTO_TTL_DEFAULT.max : scope.whole(value.index, "most ttl", max, HOPS.min, HOPS.max),
  };
  if (auto.min <= auto.max) return auto;
  throw scope.error(value, `ttl: expected the least, then the most, found ${auto.min}-${auto.max}`);
}

/** `badseq`, `badseq=-10000`, `badseq=-10000/-66000`. */
function badseqParameter(scope: Scope, draft: FoolingDraft): Parameter {
  return {
    form: "badseq=seq/ack",
    word: "badseq",
    read(argument) {
      scope.once(argument, "badseq");
      const { value } = argument;
      if (!value) {
        draft.badseq = BADSEQ_DEFAULT;
        return;
      }
      const slash = value.text.indexOf("/");
      const [seq, ack] = slash < 0 ? [value.text] : [value.text.slice(0, slash), value.text.slice(slash + 1)];
      const found = {
        seq: scope.whole(value.index, "badseq", seq, I32.min, I32.max),
        ack:
          ack === undefined
            ? BADSEQ_DEFAULT.ack
            : scope.whole(value.index + slash + 1, "badseq", ack, I32.min, I32.max),
      };
      checkSafe(scope, value, "badseq", found.seq, BADSEQ, IN_WINDOW);
      draft.badseq = found;
    },
  };
}

/** `ts`, `ts=-600000`. */
function tsParameter(scope: Scope, draft: FoolingDraft): Parameter {
  return {
    form: `ts=${TS_DEFAULT}`,
    word: "ts",
    read(argument) {
      scope.once(argument, "ts");
      const { value } = argument;
      draft.ts = value ? scope.whole(value.index, "ts", value.text, I32.min, I32.max) : TS_DEFAULT;
      checkSafe(scope, value ?? argument.word, "ts", draft.ts, TS, HARDLY_OLDER);
    },
  };
}

/** @throws ProfileError that says why a number would let the fake be read */
function checkSafe(scope: Scope, at: Token, word: string, number: number, range: Range, why: string): void {
  if (number >= range.min && number <= range.max) return;
  throw scope.error(at, `${word}: expected a number from ${range.min} to ${range.max}, found ${number}: ${why}`);
}
