// Tables that iphlpapi allocates: | entries u32 | … | rows from TABLE_ROWS_AT on |
import { ERROR_NOT_FOUND, NO_ERROR } from "../constants.ts";
import { windowsError } from "../errors.ts";
import { TABLE_ROWS_AT } from "../structs.ts";
import { octetsAt, type WindowsSystem } from "../sys.ts";
import { pointer } from "@bunnel/ffi";

/** What a table's rows are. */
export interface TableShape {
  readonly what: string;
  readonly rowBytes: number;
}

/**
 * The rows of a table, each in memory of its own; the table itself is given back.
 * @param get fills in the table's address, and gives the error
 * @throws DeviceError as Windows says; a table that is not there has no rows
 */
export function tableRows(
  system: WindowsSystem,
  { what, rowBytes }: TableShape,
  get: (table: BigUint64Array) => number,
): Uint8Array[] {
  const table = new BigUint64Array(1);
  const error = get(table);
  if (error === ERROR_NOT_FOUND) return [];
  if (error !== NO_ERROR) throw windowsError(`listing ${what}`, error);
  const address = Number(table[0]);
  try {
    const count = new DataView(octetsAt(system, address, 4).buffer).getUint32(0, true);
    const rows = octetsAt(system, address + TABLE_ROWS_AT, count * rowBytes);
    return Array.from({ length: count }, (_, i) => rows.slice(i * rowBytes, (i + 1) * rowBytes));
  } finally {
    system.iphlpapi().FreeMibTable(pointer(address));
  }
}
