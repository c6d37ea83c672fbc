declare module "*.wasm" {
  /** Path of the file, in the source tree or inside a single executable. */
  const path: string;
  export default path;
}
