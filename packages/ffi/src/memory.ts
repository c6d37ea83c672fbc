// Addresses of memory that JavaScript holds.
import { ptr, type Pointer } from "bun:ffi";

export type { Pointer } from "bun:ffi";

/**
 * The address of a view's first octet, or of a buffer's. It holds as long as the caller keeps the view or buffer
 * referenced; a non-shared WebAssembly memory moves when it grows, a shared one never does.
 *
 * A short view that was made without a buffer has its octets where the garbage collector puts them, until somebody
 * asks for its buffer: they move then, once and for all. So it is asked for here, before anybody knows an address.
 * @throws RangeError when the address is no safe integer
 */
export function addressOf(memory: NodeJS.TypedArray | DataView | ArrayBufferLike): number {
  const isView = ArrayBuffer.isView(memory) && memory.byteLength > 0;
  const address: unknown = isView ? ptr(memory.buffer, memory.byteOffset) : ptr(memory);
  const number = Number(address);
  if (!Number.isSafeInteger(number)) throw new RangeError(`address: expected a safe integer, found ${String(address)}`);
  return number;
}

/** A number as the pointer that bun:ffi's types ask for. Nothing is checked. */
export function pointer(address: number): Pointer {
  return address as Pointer;
}
