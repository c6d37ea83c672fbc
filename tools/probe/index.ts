export { aboutCase, probeCase, PROBE_CASES, type ProbeCase } from "./cases.ts";
export { openProbeRange, runProbeCase, type ProbeRun, type ProbeRunOptions } from "./run-case.ts";
