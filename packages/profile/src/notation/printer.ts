// A strategy to its one canonical text: `tls: fake(sni=www.example.org, ttl=4, x2) split(1, midsld)  http: pass`.
import { KINDS, type Clause, type Fake, type Kind, type Operation, type Point, type Strategy } from "./strategy.ts";

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
  switch (operation.technique) {
    case "split":
      return `split(${operation.points.map(printPoint).join(", ")})`;
    case "disorder":
      return "disorder";
    case "fake":
      return printFake(kind, operation);
  }
}

/** `1`, `-4`, `midsld`, `host+2`. */
export function printPoint({ marker, offset }: Point): string {
  if (marker === "absolute") return String(offset);
  if (offset === 0) return marker;
  return `${marker}${offset > 0 ? "+" : ""}${offset}`;
}

function printFake(kind: Kind, fake: Fake): string {
  const parameters: string[] = [];
  if (fake.decoy.content === "zeros") parameters.push("zeros");
  else parameters.push(`${kind === "tls" ? "sni" : "host"}=${fake.decoy.name}`);
  if (fake.ttl !== undefined) parameters.push(`ttl=${fake.ttl}`);
  if (fake.badsum) parameters.push("badsum");
  if (fake.repeats > 1) parameters.push(`x${fake.repeats}`);
  return `fake(${parameters.join(", ")})`;
}
