// Clauses as a rule table gives them back: payloads as their octets, whatever they were built of.
import type { Payload } from "../src/notation/content.ts";
import type { Clause, Operation, SynData } from "../src/notation/strategy.ts";
import { payloadOctets, type PayloadSource } from "../src/payload/build.ts";

export function resolved({ kind, operations }: Clause, source: PayloadSource): Clause {
  return { kind, operations: operations.map((operation) => resolvedOperation(operation, source)) };
}

function resolvedOperation(operation: Operation, source: PayloadSource): Operation {
  const octets = (payload: Payload | SynData["payload"]): Payload => {
    return { source: "octets", hex: payloadOctets(payload, source).toHex() };
  };
  if (operation.technique === "syndata") return { ...operation, payload: octets(operation.payload) };
  if (operation.technique === "fake" && operation.decoy.content === "payload") {
    return { ...operation, decoy: { ...operation.decoy, payload: octets(operation.decoy.payload) } };
  }
  if ("pattern" in operation && operation.pattern.content === "payload") {
    return { ...operation, pattern: { content: "payload", payload: octets(operation.pattern.payload) } };
  }
  return operation;
}
