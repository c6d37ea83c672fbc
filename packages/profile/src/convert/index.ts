export { convertProfile, FOREIGN_FORMATS, type Conversion, type ForeignFormat } from "./convert.ts";
export type { ConversionNote } from "./draft.ts";
