// Which reader reads which technique.
import type { Reading, Scope } from "./parameters.ts";
import { readDoh, readRedirect } from "./read-answers.ts";
import { readFakedSplit, readHostFakeSplit, readSeqOvl, readSplit } from "./read-cuts.ts";
import { readFake, readRst, readSynAck, readSynData } from "./read-fakes.ts";
import * as fields from "./read-fields.ts";
import { readHostPad, readOob, readTlsRec } from "./read-stream.ts";
import type { TechniqueName } from "./strategy.ts";

/** `disorder` is read by the checker: it may bring a split with it. */
export const READERS: Readonly<Record<Exclude<TechniqueName, "disorder">, (scope: Scope) => Reading>> = {
  split: readSplit,
  fake: readFake,
  seqovl: readSeqOvl,
  fakedsplit: readFakedSplit,
  hostfakesplit: readHostFakeSplit,
  syndata: readSynData,
  synack: readSynAck,
  rst: readRst,
  window: fields.readWindow,
  mss: fields.readMss,
  httphost: fields.readHttpHost,
  udplen: fields.readUdpLen,
  ipfrag: fields.readIpFrag,
  drop: fields.readDrop,
  ipid: fields.readIpId,
  dup: fields.readDup,
  delay: fields.readDelay,
  ttl: fields.readTtl,
  tos: fields.readTos,
  doh: readDoh,
  redirect: readRedirect,
  tlsrec: readTlsRec,
  oob: readOob,
  hostpad: readHostPad,
  hostdot: () => ({ parameters: [], finish: () => ({ technique: "hostdot" }) }),
  hosttab: () => ({ parameters: [], finish: () => ({ technique: "hosttab" }) }),
  methodspace: () => ({ parameters: [], finish: () => ({ technique: "methodspace" }) }),
  methodeol: () => ({ parameters: [], finish: () => ({ technique: "methodeol" }) }),
};
