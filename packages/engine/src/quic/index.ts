export type { QuicAnswer } from "./hello-name.ts";
export { QuicNames, type QuicLimits } from "./quic-names.ts";
