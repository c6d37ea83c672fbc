// What fakes are made of and what spoils them, as words of the notation.
import { HEX_PREFIX } from "./check-content.ts";
import {
  AUTO_TTL_DEFAULT,
  BADSEQ_DEFAULT,
  TS_DEFAULT,
  type AutoTtl,
  type Decoy,
  type Foolings,
  type Pattern,
  type Payload,
} from "./content.ts";
import type { Kind } from "./kinds.ts";

export function decoyWords(kind: Kind, decoy: Decoy): readonly string[] {
  switch (decoy.content) {
    case "name":
      return [`${kind === "http" ? "host" : "sni"}=${decoy.name}`];
    case "random name":
      return ["rndsni"];
    case "zeros":
    case "random":
      return [decoy.content];
    case "payload": {
      const words = payloadWords(decoy.payload);
      const changes = (["rndsni", "dupsid", "padencap"] as const).filter((word) => decoy[word]);
      // The name of a hello that gets another one anyway is not written: rndsni and sni exclude each other.
      return [...(decoy.rndsni ? words.slice(0, 1) : words), ...changes];
    }
  }
}

/** `pattern=zeros` is what there is without a word. */
export function patternWords(pattern: Pattern): readonly string[] {
  switch (pattern.content) {
    case "zeros":
      return [];
    case "random":
      return ["pattern=random"];
    case "payload": {
      const [first = "", ...names] = payloadWords(pattern.payload);
      return [`pattern=${first.replace(/^file=/, "")}`, ...names];
    }
  }
}

export function payloadWords(payload: Payload): readonly string[] {
  switch (payload.source) {
    case "tls":
    case "quic":
      return [payload.source, `sni=${payload.name}`];
    case "http":
      return [payload.source, `host=${payload.name}`];
    case "stun":
      return [payload.source];
    case "named":
      return [`file=${payload.name}`];
    case "octets":
      return [`file=${HEX_PREFIX}${payload.hex}`];
  }
}

export function foolingWords(foolings: Foolings): readonly string[] {
  const { ttl, autoTtl, badseq, ts } = foolings;
  const words: string[] = [];
  if (ttl !== undefined) words.push(`ttl=${ttl}`);
  if (autoTtl) words.push(`ttl=${autoTtlWord(autoTtl)}`);
  if (foolings.badsum) words.push("badsum");
  if (badseq) words.push(badseqWord(badseq));
  if (foolings.md5sig) words.push("md5sig");
  if (foolings.datanoack) words.push("datanoack");
  if (ts !== undefined) words.push(ts === TS_DEFAULT ? "ts" : `ts=${ts}`);
  if (foolings.dataofs) words.push("dataofs");
  return words;
}

function autoTtlWord({ delta, min, max }: AutoTtl): string {
  const range = min === AUTO_TTL_DEFAULT.min && max === AUTO_TTL_DEFAULT.max ? "" : `:${min}-${max}`;
  return `auto${delta < 0 ? "" : "+"}${delta}${range}`;
}

function badseqWord({ seq, ack }: { readonly seq: number; readonly ack: number }): string {
  if (ack !== BADSEQ_DEFAULT.ack) return `badseq=${seq}/${ack}`;
  return seq === BADSEQ_DEFAULT.seq ? "badseq" : `badseq=${seq}`;
}

export function repeatsWords(repeats: number): readonly string[] {
  return repeats === 1 ? [] : [`x${repeats}`];
}
