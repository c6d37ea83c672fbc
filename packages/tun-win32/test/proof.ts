// What suites of other rooms need of this one's: the double, and the Windows Bun under Wine.
export { mustHave } from "./tools.ts";
export { linesOf } from "./wine/lines.ts";
export { windowsPath, Wine } from "./wine/wine.ts";
export { World } from "./world.ts";
