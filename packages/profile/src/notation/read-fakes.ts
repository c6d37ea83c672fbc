// Techniques that send packets which the application did not.
import {
  decoyParameters,
  finishDecoy,
  finishPayload,
  helloParameters,
  CONTENT_WORDS,
  type ContentDraft,
} from "./check-content.ts";
import {
  DATAGRAM_FOOLINGS,
  finishFoolings,
  foolingParameters,
  RST_FOOLINGS,
  STREAM_FOOLINGS,
  SYN_FOOLINGS,
  type FoolingDraft,
} from "./check-foolings.ts";
import { isStreamKind } from "./kinds.ts";
import { repeatsParameter, wordParameter, type Reading, type Scope } from "./parameters.ts";
import type { Fake, Rst, SynAck, SynData } from "./strategy.ts";

/** A SYN is sent before anything is known that random octets could stand for. */
const SYN_CONTENT_WORDS = CONTENT_WORDS.filter((word) => word !== "random");

export function readFake(scope: Scope): Reading<Fake> {
  const choice = isStreamKind(scope.kind) ? STREAM_FOOLINGS : DATAGRAM_FOOLINGS;
  const content: ContentDraft = {};
  const foolings: FoolingDraft = {};
  const draft = { repeats: 1, after: false };
  return {
    parameters: [
      ...decoyParameters(scope, content),
      ...helloParameters(scope, content),
      ...foolingParameters(scope, foolings, choice),
      repeatsParameter(scope, draft),
      wordParameter(scope, "after", () => (draft.after = true)),
    ],
    finish: () => ({
      technique: "fake",
      decoy: finishDecoy(scope, content),
      foolings: finishFoolings(scope, foolings, choice),
      ...draft,
    }),
  };
}

export function readRst(scope: Scope): Reading<Rst> {
  const foolings: FoolingDraft = {};
  const draft = { ack: false, repeats: 1, after: false };
  return {
    parameters: [
      wordParameter(scope, "ack", () => (draft.ack = true)),
      ...foolingParameters(scope, foolings, RST_FOOLINGS),
      repeatsParameter(scope, draft),
      wordParameter(scope, "after", () => (draft.after = true)),
    ],
    finish: () => ({ technique: "rst", ...draft, foolings: finishFoolings(scope, foolings, RST_FOOLINGS) }),
  };
}

export function readSynAck(scope: Scope): Reading<SynAck> {
  const foolings: FoolingDraft = {};
  const draft = { repeats: 1 };
  return {
    parameters: [...foolingParameters(scope, foolings, SYN_FOOLINGS), repeatsParameter(scope, draft)],
    finish: () => ({ technique: "synack", ...draft, foolings: finishFoolings(scope, foolings, SYN_FOOLINGS) }),
  };
}

export function readSynData(scope: Scope): Reading<SynData> {
  const content: ContentDraft = {};
  return {
    parameters: decoyParameters(scope, content, SYN_CONTENT_WORDS),
    finish() {
      const { content: word = "zeros", sni, host } = content;
      if (word === "zeros" && !sni && !host) return { technique: "syndata", payload: { source: "zeros" } };
      return { technique: "syndata", payload: finishPayload(scope, { ...content, content: word }) };
    },
  };
}
