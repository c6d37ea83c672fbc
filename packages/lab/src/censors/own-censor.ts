// A censor of somebody's own: a TypeScript file whose default export makes one. Nobody has checked it, so what it is
// and what it answers is held to the contract at every call: a slip there is told by its name, and never becomes a
// wrong cell.
import { PLAIN_AXES } from "./axes.ts";
import { makeBox } from "./axis-censor.ts";
import type { Censor, CensorKit, CensorMaker, Direction, Judgement } from "./censor.ts";

/** A file of somebody's own does not keep to the contract of `Censor`. */
export class CensorError extends Error {
  override readonly name = "CensorError";
  readonly code = "E_CENSOR";
}

/** What a maker is handed, so that its file needs nothing of this package on its disk. */
export const CENSOR_KIT: CensorKit = { makeBox, plainAxes: PLAIN_AXES };

/** A censor of one's own, as the manual shows it: the text of a file. */
export const CENSOR_EXAMPLE: string = `import type { CensorMaker } from "@bunnel/lab";

const make: CensorMaker = ({ blocked }) => ({
  name: "mine",
  says: "The box drops every packet with a listed name.",
  reset() {},
  judge(packet, direction, nowMs) {
    const text = Buffer.from(packet).toString("latin1");
    const matched = direction === "outbound" ? blocked.find((name) => text.includes(name)) : undefined;
    return matched === undefined ? { forward: true } : { forward: false, matched };
  },
});
export default make;
`;

/**
 * The maker that a file exports as its default. What it makes is held to the contract whenever it is asked.
 * @throws CensorError E_CENSOR when there is none; Error when the file cannot be read
 */
export async function importCensor(path: string): Promise<CensorMaker> {
  const module: unknown = await import(path);
  const made = isObject(module) ? module["default"] : undefined;
  if (typeof made !== "function") {
    throw new CensorError(
      `${path}: expected a function that makes a censor as its default export, found ${typeof made}`,
    );
  }
  return (options, kit) => new HeldCensor(checkedCensor((made as CensorMaker)(options, kit)));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function checkedCensor(made: unknown): Censor {
  if (made instanceof Promise) throw new CensorError("default export: expected a censor, found a promise of one");
  if (!isObject(made)) throw new CensorError(`default export: expected a censor, found ${typeof made}`);
  for (const [key, kind] of Object.entries({ name: "string", says: "string", reset: "function", judge: "function" })) {
    const found = typeof made[key];
    if (found !== kind) throw new CensorError(`${key}: expected a ${kind}, found ${found}`);
  }
  const censor = made as unknown as Censor;
  if (censor.name.trim() === "") throw new CensorError("name: expected some letters, found none");
  return censor;
}

/** Passes everything on to a censor that nobody checked, and checks what it says. */
class HeldCensor implements Censor {
  readonly name: string;
  readonly says: string;
  readonly #own: Censor;

  constructor(own: Censor) {
    this.#own = own;
    this.name = own.name;
    this.says = own.says;
  }

  reset(): void {
    told(`${this.name}: reset`, () => this.#own.reset());
  }

  judge(packet: Uint8Array, direction: Direction, nowMs: number): Judgement {
    const what = `${this.name}: judge, of an ${direction} packet of ${packet.length} octets`;
    const judged = told(what, () => this.#own.judge(packet, direction, nowMs));
    const fault = faultOf(judged);
    if (fault === undefined) return judged;
    throw new CensorError(`${what}: ${fault}`);
  }
}

/** What is called fails by its name. */
function told<Value>(what: string, call: () => Value): Value {
  try {
    return call();
  } catch (cause) {
    throw new CensorError(`${what}: threw ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** What is wrong with an answer; undefined: nothing. */
function faultOf(judged: unknown): string | undefined {
  if (!isObject(judged)) return `expected { forward: true } or { forward: false }, found ${typeof judged}`;
  const { forward, matched, inject } = judged;
  if (typeof forward !== "boolean") return `forward: expected true or false, found ${typeof forward}`;
  if (matched !== undefined && typeof matched !== "string") return `matched: expected a text, found ${typeof matched}`;
  if (inject === undefined) return undefined;
  if (!Array.isArray(inject)) return `inject: expected a list, found ${typeof inject}`;
  for (const each of inject as readonly unknown[]) {
    if (!isObject(each) || !(each["packet"] instanceof Uint8Array)) return "inject: expected packets of octets";
    if (each["to"] !== "client" && each["to"] !== "server") return 'inject: expected to "client" or "server"';
  }
  return undefined;
}
