export * from "./library.ts";
export * from "./libc.ts";
export * from "./errno.ts";
export * from "./c-string.ts";
export * from "./struct.ts";
export * from "./memory.ts";
