// The table's rows: techniques by the names that their users know.
import { fragmentsOf } from "@bunnel/wire";
import { concat } from "../octets.ts";
import { changed, decoy, decoyPayload, onNames, pieces } from "./reference.ts";
import type { Fooling, NamedSegment } from "./reference.ts";
import type { MatrixTechnique } from "./run-matrix.ts";

/** Octets of the overlap in the seqovl techniques. */
const OVERLAP_BYTES = 8;
/** An MD5 option (RFC 2385) and the padding behind it. */
const MD5_BYTES = 20;

/**
 * All reference techniques.
 * @param hopLimit of the "ttl" fakes: enough to pass the censor, too little for the server
 */
export function referenceTechniques(hopLimit: number): MatrixTechnique[] {
  const ttl: Fooling = { hopLimit };
  return [
    { name: "(none)", transform: (packet) => [packet] },
    technique("split", pieces),
    technique("disorder", (named) => pieces(named).toReversed()),
    technique("fake ttl", (named) => [decoy(named, ttl), named.packet]),
    technique("fakes ttl", (named) => [decoy(named, ttl), decoy(named, ttl), decoy(named, ttl), named.packet]),
    technique("fake md5sig", signedFake),
    technique("fake ts", (named) => [decoy(named, { timestamp: -600_000 }), named.packet]),
    technique("fake badsum", (named) => [decoy(named, { badSum: true }), named.packet]),
    technique("fake badack", (named) => [decoy(named, { ack: -66_000 }), named.packet]),
    technique("fake datanoack", (named) => [decoy(named, { noAck: true }), named.packet]),
    technique("fake badseq", (named) => [decoy(named, { seq: -10_000 }), named.packet]),
    technique("fake ttl + split", (named) => [decoy(named, ttl), ...pieces(named)]),
    technique("fake ttl + disorder", (named) => [decoy(named, ttl), ...pieces(named).toReversed()]),
    technique("fake badsum + disorder", (named) => [decoy(named, { badSum: true }), ...pieces(named).toReversed()]),
    technique("fakedsplit ttl", (named) => fakedSplit(named, ttl)),
    technique("split seqovl", splitOverlap),
    technique("disorder seqovl", disorderOverlap),
    technique("rst ttl + split", (named) => [
      changed(named, { payload: new Uint8Array(0), flags: "R", fooling: ttl }),
      ...pieces(named),
    ]),
    technique("ipfrag", fragments),
  ];
}

function technique(name: string, plan: (named: NamedSegment) => readonly Uint8Array[]): MatrixTechnique {
  return { name, transform: onNames(plan) };
}

/** The signature takes room: without it a decoy of a full segment would be above the MTU. */
function signedFake(named: NamedSegment): Uint8Array[] {
  const end = Math.max(named.nameAt + named.nameBytes, named.segment.payload.length - MD5_BYTES);
  return [decoy(named, { md5: true }, 0, end), named.packet];
}

/** Each piece between two decoys of itself. */
function fakedSplit(named: NamedSegment, fooling: Fooling): Uint8Array[] {
  const [first, second] = pieces(named);
  const firstDecoy = decoy(named, fooling, 0, named.middle);
  const secondDecoy = decoy(named, fooling, named.middle);
  return [firstDecoy, first, firstDecoy, secondDecoy, second, secondDecoy];
}

/** The first piece starts with foreign octets that lie before the window. */
function splitOverlap(named: NamedSegment): Uint8Array[] {
  const foreign = decoyPayload(named).subarray(0, OVERLAP_BYTES);
  const payload = concat(foreign, named.segment.payload.subarray(0, named.middle));
  return [changed(named, { at: -OVERLAP_BYTES, payload }), pieces(named)[1]];
}

/** The second piece comes first and starts with foreign octets; in the server's queue the first overrules them. */
function disorderOverlap(named: NamedSegment): Uint8Array[] {
  const from = named.middle - OVERLAP_BYTES;
  const foreign = decoyPayload(named).subarray(from, named.middle);
  const payload = concat(foreign, named.segment.payload.subarray(named.middle));
  return [changed(named, { at: from, payload }), pieces(named)[0]];
}

/** IP fragments with a boundary inside of the name. */
function fragments(named: NamedSegment): Uint8Array[] {
  const headerBytes = named.segment.family === 4 ? 20 : 40;
  const payloadAt = named.packet.length - named.segment.payload.length - headerBytes;
  return fragmentsOf(named.packet, [(payloadAt + named.middle + 4) & ~7]);
}
