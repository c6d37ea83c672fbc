export * from "./constants.ts";
export * from "./message.ts";
export * from "./socket.ts";
