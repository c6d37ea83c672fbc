export { fuzz, runCase, type FuzzFailure, type FuzzOptions, type FuzzResult } from "./fuzz.ts";
export { readInputs } from "./files.ts";
export { parseInput, printInput, type FuzzInput, type FuzzPacket } from "./input.ts";
export { seedsOf } from "./seeds-by-target.ts";
export { BrokenLaw, law, type FuzzTarget } from "./target.ts";
export { TARGET_NAMES, targetOf, type TargetName } from "./targets.ts";
export { buildNative, type NativeFuzzer } from "./native/build.ts";
export { runNative, type NativeResult } from "./native/run.ts";
