// Techniques that cut a message, or put fakes between its pieces.
import { PAYLOAD_MAX_BYTES } from "@bunnel/abi";
import { markersOf, type Point } from "./kinds.ts";
import { finishPattern, patternParameters, readName, type ContentDraft } from "./check-content.ts";
import { finishFoolings, foolingParameters, STREAM_FOOLINGS, type FoolingDraft } from "./check-foolings.ts";
import { finishPoints, isPoint, onlyPoints, pointsParameter, readPoint } from "./check-points.ts";
import {
  numberParameter,
  repeatsParameter,
  wordParameter,
  type Parameter,
  type Reading,
  type Scope,
} from "./parameters.ts";
import type { FakedSplit, HostFakeSplit, SeqOvl, Split } from "./strategy.ts";

export function readSplit(scope: Scope): Reading<Split> {
  const points = new Map<string, Point>();
  return {
    parameters: [onlyPoints(scope, points)],
    finish: () => ({ technique: "split", points: finishPoints(scope, points) }),
  };
}

export function readFakedSplit(scope: Scope): Reading<FakedSplit> {
  const points = new Map<string, Point>();
  const content: ContentDraft = {};
  const foolings: FoolingDraft = {};
  const draft = { repeats: 1 };
  return {
    parameters: [
      pointsParameter(scope, points),
      ...patternParameters(scope, content),
      ...foolingParameters(scope, foolings, STREAM_FOOLINGS),
      repeatsParameter(scope, draft),
    ],
    finish: () => ({
      technique: "fakedsplit",
      points: finishPoints(scope, points),
      pattern: finishPattern(scope, content),
      foolings: finishFoolings(scope, foolings, STREAM_FOOLINGS),
      ...draft,
    }),
  };
}

export function readHostFakeSplit(scope: Scope): Reading<HostFakeSplit> {
  const foolings: FoolingDraft = {};
  const draft: { name?: string; midhost: boolean; repeats: number } = { midhost: false, repeats: 1 };
  const host: Parameter = {
    form: "host=name",
    word: "host",
    read(argument) {
      scope.once(argument, "host");
      draft.name = readName(scope, argument);
    },
  };
  return {
    parameters: [
      host,
      wordParameter(scope, "midhost", () => (draft.midhost = true)),
      ...foolingParameters(scope, foolings, STREAM_FOOLINGS),
      repeatsParameter(scope, draft),
    ],
    finish: () => ({
      technique: "hostfakesplit",
      ...draft,
      foolings: finishFoolings(scope, foolings, STREAM_FOOLINGS),
    }),
  };
}

export function readSeqOvl(scope: Scope): Reading<SeqOvl> {
  const content: ContentDraft = {};
  const draft: { overlap?: number | Point; second: boolean } = { second: false };
  const range = { min: 1, max: PAYLOAD_MAX_BYTES };
  const number = numberParameter(scope, `1..${PAYLOAD_MAX_BYTES}`, (bytes) => (draft.overlap = bytes), range);
  const point: Parameter = {
    form: "a point",
    near: markersOf(scope.kind),
    takes: isPoint,
    read(argument) {
      scope.once(argument, "number");
      draft.overlap = readPoint(scope, argument);
    },
  };
  return {
    parameters: [
      number,
      point,
      wordParameter(scope, "second", () => (draft.second = true)),
      ...patternParameters(scope, content),
    ],
    finish() {
      const { overlap, second } = draft;
      if (overlap !== undefined)
        return { technique: "seqovl", overlap, second, pattern: finishPattern(scope, content) };
      throw scope.error(
        scope.tree.word,
        `${scope.word}: expected a number of octets or a point in parentheses, found none`,
      );
    },
  };
}
