// Techniques that change fields of the real packets, cut them below the transport, or decide when and whether they go.
import { anyOf, shown } from "../wording.ts";
import { finishPattern, patternParameters, type ContentDraft } from "./check-content.ts";
import { HOPS } from "./check-foolings.ts";
import { isStreamKind } from "./kinds.ts";
import {
  numberParameter,
  repeatsParameter,
  wordParameter,
  type Parameter,
  type Range,
  type Reading,
  type Scope,
} from "./parameters.ts";
import {
  HTTP_TRICKS,
  IP_ID_SCHEMES,
  type Delay,
  type Drop,
  type Dup,
  type HttpHost,
  type HttpTrickWord,
  type IpFrag,
  type IpId,
  type IpIdWord,
  type Mss,
  type Tos,
  type Ttl,
  type UdpLen,
  type Window,
} from "./strategy.ts";

/** RFC 7323 section 2.3 */
const SCALE = { min: 0, max: 14 } as const;
/** The least is Linux' own, TCP_MIN_MSS of net/tcp.h. */
const MSS = { min: 48, max: 65535 } as const;
const WINDOW = { min: 1, max: 65535 } as const;
/** Fragment offsets count in eights (RFC 791 section 3.1). */
const FRAGMENT = { min: 8, max: 65528 } as const;
const FRAGMENT_TCP_BYTES = 32;
const FRAGMENT_UDP_BYTES = 8;
const UDP_CHANGE_MAX = 1400;
const DELAY_MAX_MS = 10_000;

/** A technique of one number. */
function oneNumber<Result>(scope: Scope, range: Range, make: (number: number) => Result): Reading<Result> {
  let number: number | undefined;
  return {
    parameters: [numberParameter(scope, `${range.min}..${range.max}`, (found) => (number = found), range)],
    finish: () => make(needed(scope, number, range)),
  };
}

function needed(scope: Scope, number: number | undefined, { min, max }: Range): number {
  if (number !== undefined) return number;
  const message = `${scope.word}: expected a whole number from ${min} to ${max} in parentheses, found none`;
  throw scope.error(scope.tree.word, message);
}

export function readMss(scope: Scope): Reading<Mss> {
  return oneNumber(scope, MSS, (bytes) => ({ technique: "mss", bytes }));
}

export function readTtl(scope: Scope): Reading<Ttl> {
  return oneNumber(scope, HOPS, (hops) => ({ technique: "ttl", hops }));
}

export function readTos(scope: Scope): Reading<Tos> {
  return oneNumber(scope, { min: 0, max: 255 }, (octet) => ({ technique: "tos", octet }));
}

export function readWindow(scope: Scope): Reading<Window> {
  let bytes: number | undefined;
  const draft: { scale?: number } = {};
  const scale: Parameter = {
    form: `scale=${SCALE.min}..${SCALE.max}`,
    word: "scale",
    read(argument) {
      scope.once(argument, "scale");
      draft.scale = scope.valueOf(argument, SCALE.min, SCALE.max);
    },
  };
  return {
    parameters: [
      numberParameter(scope, `${WINDOW.min}..${WINDOW.max}`, (found) => (bytes = found), WINDOW),
      // The option stands in a SYN alone (RFC 7323 section 2.2).
      ...(scope.kind === "syn" ? [scale] : []),
    ],
    finish: () => ({ technique: "window", bytes: needed(scope, bytes, WINDOW), ...draft }),
  };
}

export function readDelay(scope: Scope): Reading<Delay> {
  const range = { min: 1, max: DELAY_MAX_MS };
  let ms: number | undefined;
  let jitterMs = 0;
  const jitter: Parameter = {
    form: `jitter=0..${DELAY_MAX_MS}`,
    word: "jitter",
    read(argument) {
      scope.once(argument, "jitter");
      jitterMs = scope.valueOf(argument, 0, DELAY_MAX_MS);
    },
  };
  return {
    parameters: [numberParameter(scope, `${range.min}..${range.max}`, (found) => (ms = found), range), jitter],
    finish: () => ({ technique: "delay", ms: needed(scope, ms, range), jitterMs }),
  };
}

export function readIpFrag(scope: Scope): Reading<IpFrag> {
  const draft: { bytes?: number; hopbyhop: boolean } = { hopbyhop: false };
  const number = numberParameter(scope, `${FRAGMENT.min}..${FRAGMENT.max}`, (bytes) => (draft.bytes = bytes), FRAGMENT);
  return {
    parameters: [
      {
        ...number,
        read(argument) {
          number.read(argument);
          if (draft.bytes === undefined || draft.bytes % 8 === 0) return;
          throw scope.error(argument.word, `${scope.word}: expected a multiple of 8, found ${draft.bytes}`);
        },
      },
      wordParameter(scope, "hopbyhop", () => (draft.hopbyhop = true)),
    ],
    finish() {
      const isBare = draft.bytes === undefined && !draft.hopbyhop;
      const bytes = isStreamKind(scope.kind) || scope.kind === "syn" ? FRAGMENT_TCP_BYTES : FRAGMENT_UDP_BYTES;
      return { technique: "ipfrag", ...draft, ...(isBare && { bytes }) };
    },
  };
}

export function readUdpLen(scope: Scope): Reading<UdpLen> {
  const range = { min: -UDP_CHANGE_MAX, max: UDP_CHANGE_MAX };
  const content: ContentDraft = {};
  let bytes: number | undefined;
  return {
    parameters: [
      numberParameter(scope, `-${UDP_CHANGE_MAX}..+${UDP_CHANGE_MAX}`, (found) => (bytes = found), range),
      ...patternParameters(scope, content),
    ],
    finish() {
      const change = needed(scope, bytes, range);
      if (change === 0) throw scope.error(scope.tree.word, `${scope.word}: expected a number other than 0, found 0`);
      const pattern = finishPattern(scope, content);
      if (change > 0 || content.content === undefined) return { technique: "udplen", bytes: change, pattern };
      throw scope.error(scope.tree.word, `${scope.word}: expected a pattern where octets are added, found ${change}`);
    },
  };
}

export function readDrop(): Reading<Drop> {
  return { parameters: [], finish: () => ({ technique: "drop" }) };
}

export function readDup(scope: Scope): Reading<Dup> {
  const draft = { repeats: 1 };
  return { parameters: [repeatsParameter(scope, draft)], finish: () => ({ technique: "dup", ...draft }) };
}

export function readIpId(scope: Scope): Reading<IpId> {
  let scheme: IpIdWord | undefined;
  return {
    parameters: IP_ID_SCHEMES.map((word) => ({
      form: word,
      word,
      read(argument) {
        scope.once(argument, "scheme");
        scope.noValue(argument);
        scheme = word;
      },
    })),
    finish() {
      if (scheme !== undefined) return { technique: "ipid", scheme };
      throw scope.error(scope.tree.word, `${scope.word}: expected ${anyOf(IP_ID_SCHEMES)} in parentheses, found none`);
    },
  };
}

export function readHttpHost(scope: Scope): Reading<HttpHost> {
  const found = new Set<HttpTrickWord>();
  return {
    parameters: HTTP_TRICKS.map((word) => wordParameter(scope, word, () => found.add(word))),
    finish() {
      const tricks = HTTP_TRICKS.filter((word) => found.has(word));
      const { word } = scope.tree;
      if (tricks.length === 0) {
        throw scope.error(word, `${scope.word}: expected ${anyOf(HTTP_TRICKS)} in parentheses, found none`);
      }
      if (!found.has("case") || !found.has("mixed")) return { technique: "httphost", tricks };
      throw scope.error(word, `${scope.word}: expected ${shown("case")} or ${shown("mixed")}, found both`);
    },
  };
}
