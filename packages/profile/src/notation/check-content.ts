// What fakes are made of: decoys, patterns and payloads.
import { PAYLOAD_MAX_BYTES } from "@bunnel/abi";
import { Fault } from "../errors.ts";
import { readHostName } from "../host-name.ts";
import { shown } from "../wording.ts";
import { DECOY_NAME_DEFAULT, type Decoy, type HelloChanges, type Pattern, type Payload } from "./content.ts";
import type { Token } from "./lexer.ts";
import type { ArgumentTree } from "./parser.ts";
import { wordParameter, type Parameter, type Scope } from "./parameters.ts";

/** Words for payloads that are built; no payload of a profile may bear them. */
export const BUILT_PAYLOADS = ["tls", "http", "quic", "stun"] as const;
type BuiltWord = (typeof BUILT_PAYLOADS)[number];
export const CONTENT_WORDS: readonly string[] = ["zeros", "random", ...BUILT_PAYLOADS];
/** What stands before hexadecimal digits instead of a payload's name. */
export const HEX_PREFIX = "hex:";

/** Which parameter gives a built payload its host name. */
const NAME_WORD: Readonly<Record<Exclude<BuiltWord, "stun">, "sni" | "host">> = {
  tls: "sni",
  http: "host",
  quic: "sni",
};

type Content = "zeros" | "random" | BuiltWord | Payload;

/** What has been read so far. */
export interface ContentDraft {
  content?: Content;
  sni?: { readonly at: Token; readonly name: string };
  host?: { readonly at: Token; readonly name: string };
  rndsni?: Token;
  dupsid?: Token;
  padencap?: Token;
}

/** `zeros`, `random`, `tls`, `http`, `quic`, `stun`, `file=name`, with `sni=` or `host=` beside them. */
export function decoyParameters(scope: Scope, draft: ContentDraft, words = CONTENT_WORDS): Parameter[] {
  const own = scope.kind === "http" ? "host" : "sni";
  const contents = words.map((word): Parameter => ({
    form: word,
    word,
    read(argument) {
      scope.once(argument, "decoy");
      scope.noValue(argument);
      draft.content = word as Content;
    },
  }));
  const file: Parameter = {
    form: "file=payload",
    word: "file",
    read(argument) {
      scope.once(argument, "decoy");
      draft.content = readPayloadName(scope, argument);
    },
  };
  const names = [nameParameter(scope, draft, own), nameParameter(scope, draft, own === "sni" ? "host" : "sni")];
  return [...names, ...contents, file];
}

/** `rndsni`, `dupsid`, `padencap`: changes of a decoy that is a TLS hello. */
export function helloParameters(scope: Scope, draft: ContentDraft): Parameter[] {
  if (scope.kind !== "tls") return [];
  return (["rndsni", "dupsid", "padencap"] as const).map((word) => {
    const parameter = wordParameter(scope, word, () => undefined);
    return {
      ...parameter,
      read(argument: ArgumentTree) {
        parameter.read(argument);
        draft[word] = argument.word;
      },
    };
  });
}

/** `pattern=zeros`, with `sni=` or `host=` beside it. */
export function patternParameters(scope: Scope, draft: ContentDraft): Parameter[] {
  const pattern: Parameter = {
    form: "pattern=zeros|random|tls|http|quic|stun|payload",
    word: "pattern",
    read(argument) {
      scope.once(argument, "pattern");
      const word = argument.value?.text ?? "";
      draft.content = CONTENT_WORDS.includes(word) ? (word as Content) : readPayloadName(scope, argument);
    },
  };
  return [pattern, nameParameter(scope, draft, "sni"), nameParameter(scope, draft, "host")];
}

function nameParameter(scope: Scope, draft: ContentDraft, word: "sni" | "host"): Parameter {
  return {
    form: `${word}=name`,
    word,
    read(argument) {
      scope.once(argument, word);
      draft[word] = { at: argument.word, name: readName(scope, argument) };
    },
  };
}

export function readName(scope: Scope, { word, value }: ArgumentTree): string {
  if (!value) throw scope.error(word, `${word.text}: expected "=" and a host name, found none`);
  const name = readHostName(value.text);
  if (!(name instanceof Fault)) return name;
  throw scope.error(value, `${word.text}: ${name.text}`);
}

function readPayloadName(scope: Scope, { word, value }: ArgumentTree): Payload {
  if (!value) throw scope.error(word, `${word.text}: expected "=" and a payload's name, found none`);
  if (CONTENT_WORDS.includes(value.text)) {
    throw scope.error(
      value,
      `${word.text}: expected a payload's name, found ${shown(value.text)}, which has a meaning`,
    );
  }
  if (!value.text.startsWith(HEX_PREFIX)) return { source: "named", name: value.text };
  const hex = readHex(value.text.slice(HEX_PREFIX.length));
  if (!(hex instanceof Fault)) return { source: "octets", hex };
  throw scope.error(value, `${word.text}: ${hex.text}`);
}

/** Hexadecimal digits in lower case. */
export function readHex(digits: string): string | Fault {
  if (!/^(?:[0-9a-f]{2})+$/i.test(digits)) {
    return new Fault(`expected pairs of hexadecimal digits behind "${HEX_PREFIX}", found ${shown(digits)}`);
  }
  const bytes = digits.length / 2;
  if (bytes <= PAYLOAD_MAX_BYTES) return digits.toLowerCase();
  return new Fault(`expected at most ${PAYLOAD_MAX_BYTES} octets, found ${bytes}`);
}

/** The decoy of a fake. */
export function finishDecoy(scope: Scope, draft: ContentDraft): Decoy {
  const { content, sni, host } = draft;
  const own = scope.kind === "http" ? host : sni;
  if (draft.rndsni && sni) throw scope.error(sni.at, `${scope.word}: expected sni=name or rndsni, found both`);
  if (content === undefined && scope.kind === "quic") return payloadDecoy(scope, { ...draft, content: "quic" });
  if (content === undefined && scope.kind !== "dns") {
    refuseChange(scope, draft.dupsid ?? draft.padencap);
    refuseForeignName(scope, scope.kind === "http" ? sni : host, scope.kind === "http" ? "host" : "sni");
    if (draft.rndsni) return { content: "random name" };
    return { content: "name", name: own?.name ?? DECOY_NAME_DEFAULT };
  }
  return content === "zeros" || content === "random" || content === undefined
    ? plainDecoy(scope, draft, content ?? "zeros")
    : payloadDecoy(scope, draft);
}

function plainDecoy(scope: Scope, draft: ContentDraft, content: "zeros" | "random"): Decoy {
  const name = draft.sni ?? draft.host;
  if (name) {
    if (draft.content === undefined) throw scope.error(name.at, nameNeeds(name.at.text));
    throw scope.error(name.at, `${scope.word}: expected one decoy, found a second: ${shown(name.at.text)}`);
  }
  refuseChange(scope, draft.rndsni ?? draft.dupsid ?? draft.padencap);
  return { content };
}

function payloadDecoy(scope: Scope, draft: ContentDraft): Decoy {
  const payload = finishPayload(scope, draft);
  if (payload.source === "http" || payload.source === "quic" || payload.source === "stun") {
    refuseChange(scope, draft.rndsni ?? draft.dupsid ?? draft.padencap);
  }
  const changes: HelloChanges = {
    rndsni: draft.rndsni !== undefined,
    dupsid: draft.dupsid !== undefined,
    padencap: draft.padencap !== undefined,
  };
  return { content: "payload", payload, ...changes };
}

/** The pattern of a technique; zeros where none was given. */
export function finishPattern(scope: Scope, draft: ContentDraft): Pattern {
  const { content = "zeros" } = draft;
  if (content !== "zeros" && content !== "random") return { content: "payload", payload: finishPayload(scope, draft) };
  const name = draft.sni ?? draft.host;
  if (name) throw scope.error(name.at, nameNeeds(name.at.text));
  return { content };
}

/** The payload that `content` says; names go to those that have one. */
export function finishPayload(scope: Scope, { content, sni, host }: ContentDraft): Payload {
  if (content === "tls" || content === "http" || content === "quic") {
    const [own, other] = NAME_WORD[content] === "sni" ? [sni, host] : [host, sni];
    refuseForeignName(scope, other, NAME_WORD[content]);
    return { source: content, name: own?.name ?? DECOY_NAME_DEFAULT };
  }
  const name = sni ?? host;
  if (name) throw scope.error(name.at, nameNeeds(name.at.text));
  return typeof content === "object" ? content : { source: "stun" };
}

function refuseForeignName(scope: Scope, name: ContentDraft["sni"], right: string): void {
  if (name) throw scope.error(name.at, `${nameNeeds(name.at.text)} (did you mean ${shown(right)}?)`);
}

function nameNeeds(word: string): string {
  return `${word}: expected ${word === "sni" ? "tls or quic" : "http"} beside it, found none`;
}

function refuseChange(scope: Scope, change: Token | undefined): void {
  if (change)
    throw scope.error(change, `${change.text}: expected a TLS hello, tls or file=payload, beside it, found none`);
}
