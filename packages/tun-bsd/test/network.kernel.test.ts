// needs root: the fake kernel makes network interfaces
import { networkSuite } from "@bunnel/bsd/proof";
import { openBsdCalls, openBsdTun } from "../src/index.ts";
import { BSD_NAMES, bsdKernel, onKernel } from "./bsd-kernel.ts";

for (const name of BSD_NAMES) {
  networkSuite(name, () => {
    const kernel = bsdKernel(name);
    const environment = onKernel(kernel, name);
    const device = openBsdTun({ addresses: ["192.0.2.1/24", "2001:db8::1/64"], mtuBytes: 1400 }, environment);
    return { kernel, calls: openBsdCalls(environment).calls, device };
  });
}
