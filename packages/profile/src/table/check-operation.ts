// One operation of a table's strategy: a technique that the engine has, with all that it needs and nothing else.
import * as abi from "@bunnel/abi";
import { checkInside, refuse } from "./refuse.ts";
import type { TableView } from "./view.ts";

const FOOLING_BITS = abi.Fooling.Ttl | abi.Fooling.BadSum;

/** Checks the operation at `at`, which belongs to a strategy for `l7`. */
export function checkOperation(view: TableView, thing: string, at: number, l7: number): void {
  const technique = view.u8(at + abi.OP_TECHNIQUE);
  if (technique < abi.Technique.Split || technique > abi.Technique.Fake) {
    refuse(`${thing} technique`, `${abi.Technique.Split} to ${abi.Technique.Fake}`, technique);
  }
  const isFake = technique === abi.Technique.Fake;
  checkPoints(view, thing, at, technique, l7);
  const foolings = view.u16(at + abi.OP_FOOLINGS);
  if ((foolings & ~FOOLING_BITS) !== 0) refuse(`${thing} foolings`, `bits of ${FOOLING_BITS}`, foolings);
  if (isFake && foolings === 0) refuse(`${thing} foolings`, "at least one for a fake", foolings);
  if (!isFake && foolings !== 0) refuse(`${thing} foolings`, "none but for a fake", foolings);
  const ttl = view.u8(at + abi.OP_TTL);
  if ((foolings & abi.Fooling.Ttl) !== 0 && ttl === 0) refuse(`${thing} ttl`, "1 to 255", ttl);
  const repeats = view.u8(at + abi.OP_REPEATS);
  if (repeats < 1 || repeats > abi.REPEATS_MAX) refuse(`${thing} repeats`, `1 to ${abi.REPEATS_MAX}`, repeats);
  if (isFake) checkDecoy(view, thing, at);
}

function checkPoints(view: TableView, thing: string, at: number, technique: number, l7: number): void {
  const count = view.u8(at + abi.OP_POINT_COUNT);
  const [least, most] = technique === abi.Technique.Split ? [1, abi.POINTS_MAX] : [0, 0];
  if (count < least || count > most) refuse(`${thing} points`, `${least} to ${most}`, count);
  const foreign = l7 === abi.L7.Tls ? abi.Marker.Method : abi.Marker.SniExt;
  for (let index = 0; index < count; index += 1) {
    const marker = view.u8(at + abi.OP_POINTS + index * abi.POINT_BYTES);
    if (marker > abi.Marker.SniExt || marker === foreign) {
      refuse(`${thing} point ${index} marker`, `0 to ${abi.Marker.SniExt} without ${foreign}`, marker);
    }
  }
}

function checkDecoy(view: TableView, thing: string, at: number): void {
  const decoy = view.u8(at + abi.OP_DECOY);
  if (decoy === abi.Decoy.Zeros) return;
  if (decoy !== abi.Decoy.Name) refuse(`${thing} decoy`, `${abi.Decoy.Name} or ${abi.Decoy.Zeros}`, decoy);
  const bytes = view.u16(at + abi.OP_NAME_BYTES);
  if (bytes < 1 || bytes > abi.HOST_MAX_BYTES) refuse(`${thing} name size`, `1 to ${abi.HOST_MAX_BYTES} octets`, bytes);
  checkInside(view, `${thing} name`, view.u32(at + abi.OP_NAME_AT), bytes);
}
