// What a strategy costs a connection, so that the cheapest is tried first. One unit is a packet more on the wire:
//
//   a cut or a fragment                 1           what is sent besides    1 each, and 1 for each 1460 octets
//   a piece that waits                  delay / 20 ms
//   a turned order of sockets           10          they wait for a retransmission, about 200 ms
//   stream egress                       3           the whole connection passes through this program
//   a decoy that ends by its hop limit  1           it needs to know how far away the server is
//   a decoy that names another host     0.5         somebody has to let that name through
//   a fooling that not every path or system keeps   0.5 (badsum, badseq, md5sig, ts, datanoack), 3 (dataofs)
//   fragments of IP                     4           many paths lose them
//   something that is given up          50          (drop)
import type { Clause, Decoy, Foolings, Operation } from "@bunnel/profile";

const HELLO_BYTES = 600;
const SEGMENT_BYTES = 1460;
const WAIT_MS = 20;

const TURNED_BY_SOCKETS = 10;
const STREAM = 3;
const HOP_LIMIT = 1;
const FOREIGN_NAME = 0.5;
const FRAGILE = 0.5;
const BROKEN_HEADER = 3;
const FRAGMENTS = 4;
const GIVEN_UP = 50;

/** The cost of what one clause does, in packets; `isStream`: it is carried out by sockets. */
export function costOf(clause: Clause, isStream: boolean): number {
  const sum = clause.operations.reduce((total, operation) => total + operationCost(operation, isStream), 0);
  return Math.round((sum + (isStream ? STREAM : 0)) * 10) / 10;
}

function operationCost(operation: Operation, isStream: boolean): number {
  switch (operation.technique) {
    case "split":
      return operation.points.length;
    case "disorder":
      return isStream ? TURNED_BY_SOCKETS : 0.1;
    case "fake":
      return operation.repeats * sentBesides(HELLO_BYTES) + fooling(operation.foolings) + named(operation.decoy);
    case "rst":
    case "synack":
      return operation.repeats + fooling(operation.foolings);
    case "fakedsplit":
      return operation.points.length + 4 * operation.repeats + fooling(operation.foolings);
    case "hostfakesplit":
      return 2 + (operation.midhost ? 1 : 0) + 2 * operation.repeats + fooling(operation.foolings) + FOREIGN_NAME;
    case "seqovl":
      return typeof operation.overlap === "number" ? operation.overlap / SEGMENT_BYTES + 0.2 : 0.2;
    case "ipfrag":
      return 1 + FRAGMENTS;
    case "tlsrec":
      return 0.1 * operation.points.length;
    case "oob":
      return 1.1;
    case "dup":
      return operation.repeats;
    case "delay":
      return (operation.ms + operation.jitterMs / 2) / WAIT_MS;
    case "syndata":
      return sentBesides(HELLO_BYTES);
    case "drop":
      return GIVEN_UP;
    case "udplen":
      return Math.max(0, operation.bytes) / SEGMENT_BYTES + 0.1;
    case "hostpad":
      return sentBesides(operation.bytes);
    case "httphost":
    case "hostdot":
    case "hosttab":
    case "methodspace":
    case "methodeol":
    case "ipid":
    case "mss":
    case "tos":
    case "ttl":
    case "window":
    case "doh":
    case "redirect":
      return 0.1;
  }
}

function sentBesides(octets: number): number {
  return 1 + octets / SEGMENT_BYTES;
}

function named(decoy: Decoy): number {
  return decoy.content === "zeros" || decoy.content === "random" ? 0 : FOREIGN_NAME;
}

function fooling(foolings: Foolings): number {
  const { ttl, autoTtl, badsum, badseq, md5sig, datanoack, ts, dataofs } = foolings;
  const fragile = [badsum, badseq, md5sig, datanoack, ts].filter((each) => each !== undefined).length;
  const hops = ttl === undefined && autoTtl === undefined ? 0 : HOP_LIMIT;
  return hops + FRAGILE * fragile + (dataofs === undefined ? 0 : BROKEN_HEADER);
}
