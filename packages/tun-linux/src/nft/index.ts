export { NftClient, parseTable, type NftTable } from "./client.ts";
export { NFT_TABLE_F_OWNER } from "./constants.ts";
export * from "./expression.ts";
export * from "./match.ts";
export * from "./message.ts";
