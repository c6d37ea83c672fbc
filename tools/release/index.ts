export { checksums } from "./checksums.ts";
export { packAll, type PackedPackage } from "./packages.ts";
export { billOfMaterials } from "./bill-of-materials.ts";
export { publishedManifest } from "./manifest.ts";
export { TARGETS, type Target } from "./targets.ts";
