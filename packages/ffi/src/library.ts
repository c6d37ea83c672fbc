// A library is opened on first use, so that importing a driver on another system is harmless.
import { dlopen, type FFIFunction } from "bun:ffi";

export type Declarations = Record<string, FFIFunction>;
/** The symbols of a library as callable functions. */
export type Symbols<D extends Declarations> = ReturnType<typeof dlopen<D>>["symbols"];

/** Called with each system call's name, arguments and result while tracing is on. */
export type CallTrace = (name: string, args: readonly unknown[], result: unknown) => void;

let trace: CallTrace | undefined;

/** Switches the trace of libraries that are opened from now on; undefined switches it off. */
export function traceCalls(sink: CallTrace | undefined): void {
  trace = sink;
}

/**
 * Declares a library. The first call of the returned function opens it; each path is tried in turn.
 * @throws Error that names every path tried, with the loader's own message as cause
 */
export function library<const D extends Declarations>(
  paths: string | readonly string[],
  declarations: D,
): () => Symbols<D> {
  let symbols: Symbols<D> | undefined;
  return () => (symbols ??= open(typeof paths === "string" ? [paths] : paths, declarations));
}

function open<D extends Declarations>(paths: readonly string[], declarations: D): Symbols<D> {
  let cause: unknown;
  for (const path of paths) {
    try {
      const { symbols } = dlopen(path, declarations);
      return trace ? traced(symbols, trace) : symbols;
    } catch (error) {
      cause = error;
    }
  }
  throw new Error(`library not found: tried ${paths.join(", ")}`, { cause });
}

function traced<D extends Declarations>(symbols: Symbols<D>, sink: CallTrace): Symbols<D> {
  const wrapped: Record<string, unknown> = {};
  for (const [name, call] of Object.entries(symbols)) {
    wrapped[name] = (...args: unknown[]) => {
      const result: unknown = (call as unknown as (...all: unknown[]) => unknown)(...args);
      sink(name, args, result);
      return result;
    };
  }
  return wrapped as Symbols<D>;
}
