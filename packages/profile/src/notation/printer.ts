// A strategy to its one canonical text: `tls: fake(sni=www.example.org, ttl=4, x2) split(1, midsld)  http: pass`.
import { KINDS, type Kind, type Point } from "./kinds.ts";
import { decoyWords, foolingWords, patternWords, payloadWords, repeatsWords } from "./print-content.ts";
import { resolverWords } from "./read-answers.ts";
import { OOB_OCTET_DEFAULT, type Oob } from "./stream-operations.ts";
import type { Clause, HostFakeSplit, IpFrag, Operation, SeqOvl, Strategy } from "./strategy.ts";

/** The canonical text, on one line; `parseStrategy` reads it back to an equal strategy. */
export function printStrategy(strategy: Strategy): string {
  const clauses = KINDS.flatMap((kind) => strategy.clauses.filter((clause) => clause.kind === kind));
  if (clauses.length === KINDS.length && clauses.every(leavesAlone)) return "pass";
  return clauses.map(printClause).join("  ");
}

function leavesAlone({ operations }: Clause): boolean {
  return operations.length === 0;
}

/** `tls: split(1) disorder`, as it stands within a strategy. */
export function printClause(clause: Clause): string {
  if (leavesAlone(clause)) return `${clause.kind}: pass`;
  return `${clause.kind}: ${clause.operations.map((operation) => printOperation(clause.kind, operation)).join(" ")}`;
}

function printOperation(kind: Kind, operation: Operation): string {
  const words = parameterWords(kind, operation);
  return words.length === 0 ? operation.technique : `${operation.technique}(${words.join(", ")})`;
}

/** `1`, `-4`, `midsld`, `host+2`. */
export function printPoint({ marker, offset }: Point): string {
  if (marker === "absolute") return String(offset);
  if (offset === 0) return marker;
  return marker + signed(offset);
}

function signed(number: number): string {
  return number < 0 ? String(number) : `+${number}`;
}

function parameterWords(kind: Kind, operation: Operation): readonly string[] {
  switch (operation.technique) {
    case "split":
    case "tlsrec":
      return operation.points.map(printPoint);
    case "fake": {
      const { decoy, foolings, repeats, after } = operation;
      return [...decoyWords(kind, decoy), ...foolingWords(foolings), ...repeatsWords(repeats), ...flag(after, "after")];
    }
    case "seqovl":
      return seqOvlWords(operation);
    case "fakedsplit": {
      const { points, pattern, foolings, repeats } = operation;
      return [...points.map(printPoint), ...patternWords(pattern), ...foolingWords(foolings), ...repeatsWords(repeats)];
    }
    case "hostfakesplit":
      return hostFakeSplitWords(operation);
    case "syndata":
      return operation.payload.source === "zeros" ? ["zeros"] : payloadWords(operation.payload);
    case "synack":
      return [...foolingWords(operation.foolings), ...repeatsWords(operation.repeats)];
    case "rst": {
      const { ack, foolings, repeats, after } = operation;
      return [...flag(ack, "ack"), ...foolingWords(foolings), ...repeatsWords(repeats), ...flag(after, "after")];
    }
    case "window":
      return [String(operation.bytes), ...(operation.scale === undefined ? [] : [`scale=${operation.scale}`])];
    case "mss":
    case "hostpad":
      return [String(operation.bytes)];
    case "ipfrag":
      return ipFragWords(operation);
    case "udplen":
      return [signed(operation.bytes), ...(operation.bytes < 0 ? [] : patternWords(operation.pattern))];
    case "httphost":
      return operation.tricks;
    case "ipid":
      return [operation.scheme];
    case "dup":
      return repeatsWords(operation.repeats);
    case "delay":
      return [String(operation.ms), ...(operation.jitterMs === 0 ? [] : [`jitter=${operation.jitterMs}`])];
    case "ttl":
      return [String(operation.hops)];
    case "tos":
      return [String(operation.octet)];
    case "redirect":
      return resolverWords(operation);
    case "oob":
      return oobWords(operation);
    case "disorder":
    case "doh":
    case "drop":
    case "hostdot":
    case "hosttab":
    case "methodspace":
    case "methodeol":
      return [];
  }
}

function seqOvlWords({ overlap, second, pattern }: SeqOvl): readonly string[] {
  const place = typeof overlap === "number" ? String(overlap) : printPoint(overlap);
  return [place, ...flag(second, "second"), ...patternWords(pattern)];
}

function hostFakeSplitWords({ name, midhost, foolings, repeats }: HostFakeSplit): readonly string[] {
  const host = name === undefined ? [] : [`host=${name}`];
  return [...host, ...flag(midhost, "midhost"), ...foolingWords(foolings), ...repeatsWords(repeats)];
}

function ipFragWords({ bytes, hopbyhop }: IpFrag): readonly string[] {
  return [...(bytes === undefined ? [] : [String(bytes)]), ...flag(hopbyhop, "hopbyhop")];
}

function oobWords({ point, octet }: Oob): readonly string[] {
  return [printPoint(point), ...(octet === OOB_OCTET_DEFAULT ? [] : [`octet=${octet}`])];
}

function flag(is: boolean, word: string): readonly string[] {
  return is ? [word] : [];
}
