// needs root: the fake kernel makes network interfaces
import { networkSuite } from "@bunnel/bsd/proof";
import { openDarwinCalls, openDarwinTun } from "../src/index.ts";
import { darwinKernel, onKernel } from "./darwin-kernel.ts";

networkSuite("macOS", () => {
  const kernel = darwinKernel();
  const environment = onKernel(kernel);
  const device = openDarwinTun({ addresses: ["192.0.2.1/24", "2001:db8::1/64"], mtuBytes: 1400 }, environment);
  return { kernel, calls: openDarwinCalls(environment), device };
});
