import { describe, expect, test } from "bun:test";
import { readClientHello } from "@bunnel/wire";
import { makeCensor } from "../censors/gallery.ts";
import { concat } from "../octets.ts";
import { BLOCKED, HTTP, TLS } from "../sample-traffic.ts";
import { CELL_HOST, runCell } from "./run-cell.ts";
import type { CellOptions } from "./run-cell.ts";
import { readableOf, saysTheSame, streamPieces } from "./stream-pieces.ts";
import type { StreamPieces } from "./stream-pieces.ts";

function piecesOf(strategy: string): StreamPieces {
  const pieces = streamPieces(strategy);
  if (pieces === undefined) throw new Error(`${strategy}: expected one for sockets, found one for packets`);
  return pieces;
}

describe("streamPieces()", () => {
  test("leaves alone what packets can carry out", () => {
    expect(streamPieces("tls: split(1) disorder  http: httphost(case)")).toBeUndefined();
  });

  test("cuts the record and the hello, which is the same one with its records joined", () => {
    const pieces = piecesOf("tls: tlsrec(midsld) split(midsld)")(TLS.bad);
    expect(pieces).toHaveLength(2);
    const octets = concat(...pieces.map((piece) => piece.octets));
    expect(octets).toHaveLength(TLS.bad.length + 5);
    // What a reader of whole hellos finds in it, and one of the first record alone.
    expect(readClientHello(octets)?.serverName).toBe(BLOCKED);
    expect(readClientHello(octets, "first")?.serverName).toBeUndefined();
    expect(saysTheSame(octets, TLS.bad, BLOCKED)).toBe(true);
    expect(saysTheSame(octets, TLS.good, BLOCKED)).toBe(false);
  });

  test("sends one octet more that no program reads", () => {
    const pieces = piecesOf("http: oob(host+1)")(HTTP.bad);
    expect(pieces.map(({ urgent }) => urgent)).toEqual([true, false]);
    expect(readableOf(pieces)).toEqual(HTTP.bad);
  });

  test("leaves a message of another kind, or none at all, as it is", () => {
    const pieces = piecesOf("tls: tlsrec(midsld)");
    expect(pieces(HTTP.bad)).toEqual([{ octets: HTTP.bad }]);
    expect(pieces(Uint8Array.of(7, 7))).toEqual([{ octets: Uint8Array.of(7, 7) }]);
  });
});

describe("runCell() with pieces", () => {
  const outcome = (strategy: string, options: Partial<CellOptions> = {}) => {
    const censor = makeCensor("packet", { blocked: [CELL_HOST] });
    return runCell({ message: "tls", censor, pieces: piecesOf(strategy), ...options }).outcome;
  };

  test("is served where the name is whole in no packet, and only there", () => {
    expect(outcome("tls: tlsrec(midsld)")).toBe("served");
    expect(outcome("tls: tlsrec(1)")).toBe("blocked");
    expect(outcome("tls: oob(1)")).toBe("blocked");
  });

  test("is broken where the server reads another message than the application sent", () => {
    const pieces: StreamPieces = (message) => [{ octets: message.with(12, (message[12] ?? 0) ^ 1) }];
    expect(runCell({ message: "tls", pieces }).outcome).toBe("broken");
    expect(runCell({ message: "tls", pieces: (message) => [{ octets: message }] }).outcome).toBe("served");
  });

  test("serves pieces that come late, by sending them again", () => {
    expect(outcome("tls: tlsrec(midsld) split(midsld) disorder", { family: 6 })).toBe("served");
  });
});
