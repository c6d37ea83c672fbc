// Techniques that need stream egress.
import { finishPoints, isPoint, onlyPoints, readPoint } from "./check-points.ts";
import { markersOf, type Point } from "./kinds.ts";
import { numberParameter, type Parameter, type Reading, type Scope } from "./parameters.ts";
import { HOST_PAD, OOB_OCTET_DEFAULT, type HostPad, type Oob, type TlsRec } from "./stream-operations.ts";

export function readTlsRec(scope: Scope): Reading<TlsRec> {
  const points = new Map<string, Point>();
  return {
    parameters: [onlyPoints(scope, points)],
    finish: () => ({ technique: "tlsrec", points: finishPoints(scope, points) }),
  };
}

export function readOob(scope: Scope): Reading<Oob> {
  const draft: { point?: Point; octet: number } = { octet: OOB_OCTET_DEFAULT };
  const point: Parameter = {
    form: "a point",
    near: markersOf(scope.kind),
    takes: isPoint,
    read(argument) {
      scope.once(argument, "point");
      draft.point = readPoint(scope, argument);
    },
  };
  const octet: Parameter = {
    form: "octet=0..255",
    word: "octet",
    read(argument) {
      scope.once(argument, "octet");
      draft.octet = scope.valueOf(argument, 0, 255);
    },
  };
  return {
    parameters: [point, octet],
    finish() {
      const { point: place, octet: urgent } = draft;
      if (place !== undefined) return { technique: "oob", point: place, octet: urgent };
      throw scope.error(scope.tree.word, `${scope.word}: expected a point in parentheses, found none`);
    },
  };
}

export function readHostPad(scope: Scope): Reading<HostPad> {
  let bytes: number | undefined;
  const { min, max } = HOST_PAD;
  return {
    parameters: [numberParameter(scope, `${min}..${max}`, (found) => (bytes = found), HOST_PAD)],
    finish() {
      if (bytes !== undefined) return { technique: "hostpad", bytes };
      const message = `hostpad: expected a whole number from ${min} to ${max} in parentheses, found none`;
      throw scope.error(scope.tree.word, message);
    },
  };
}
