export { ByteCursor, signedLeb, unsignedLeb } from "./byte-cursor.ts";
export { DEBUG_MAP_PATH, DEBUG_PATH, PROBE_BASE, PROBE_ROOM, RELEASE_PATH } from "./engine-files.ts";
export { instrument, type Instrumented, type InstrumentOptions, type Probe, type ProbeKind } from "./instrument.ts";
export { readSourceMap, type SourcePlace } from "./source-map.ts";
