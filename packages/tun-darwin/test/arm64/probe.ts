// Runs on the arm64 Bun: calls the callees by each convention and prints what they got, as JSON.
import { chooseVariadic, variadicCalls, type Convention } from "@bunnel/bsd";

const [library = ""] = process.argv.slice(2);
const REQUEST = 0x8040_691a;
const FD = 7;
/** Enough for the call to be compiled by every tier. */
const HOT_CALLS = 50_000;

/** What the callee answers when it found the argument. */
function expected(address: number): number {
  return Number((BigInt(address) ^ BigInt(REQUEST) ^ BigInt(FD)) & 0x7fff_ffffn);
}

function arrives(convention: Convention): boolean {
  const calls = variadicCalls(convention, [library]);
  const addresses = [0x1234_5678, 0x7f00_dead_bee0, 0x1_0000_0008];
  return addresses.every((address) => calls.ioctl(FD, REQUEST, address) === expected(address));
}

function flagArrives(convention: Convention): boolean {
  const calls = variadicCalls(convention, [library]);
  const takes = (value: number) => calls.fcntl(FD, 4, value) === 0 && calls.fcntl(FD, 3, 0) === value;
  return takes(4) && takes(0) && takes(0x7ff);
}

function hotMismatches(): number {
  const { ioctl } = variadicCalls("padded", [library]);
  let wrong = 0;
  for (let i = 0; i < HOT_CALLS; i++) {
    const address = 0x1_0000_0000 + i * 8;
    if (ioctl(FD, REQUEST, address) !== expected(address)) wrong++;
  }
  return wrong;
}

const noPipe = { pipe: () => [FD, FD] as const, close: () => undefined };
console.log(
  JSON.stringify({
    arch: process.arch,
    ioctl: { plain: arrives("plain"), padded: arrives("padded"), stubs: arrives("stubs") },
    fcntl: { plain: flagArrives("plain"), padded: flagArrives("padded"), stubs: flagArrives("stubs") },
    chosen: {
      ofApple: chooseVariadic(["padded", "stubs"], [library], 4, noPipe).convention,
      ofPlainFirst: chooseVariadic(["plain", "stubs"], [library], 4, noPipe).convention,
    },
    hotMismatches: hotMismatches(),
  }),
);
