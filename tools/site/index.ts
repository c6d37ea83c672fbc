export { BOOK, type Chapter } from "./book.ts";
export { describeSegments, type Segment } from "./segments.ts";
export { drawPicture } from "./draw.ts";
