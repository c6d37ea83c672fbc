// needs root: a Linux TUN device behind a fake utun
// Proof level fake kernel: who the process is on macOS once it has given up root, and what it can still do then. The
// refusals are those of xnu; nobody here becomes anybody else.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { library } from "@bunnel/ffi";
import { darwinDriver, type DriverNetwork } from "@bunnel/tun";
import { darwinKernel, onKernel } from "@bunnel/tun-darwin/proof";
import { dropDarwinPrivileges } from "bunnel/src/privileges/drop.darwin.ts";
import { darwinPrivileges, type DarwinPrivileges } from "bunnel/src/privileges/darwin/sys.ts";

// A busy machine compiles slowly.
setDefaultTimeout(120_000);

const USER = { name: "somebody", uid: 502, gid: 502 };
const ROUTE = { destination: "198.51.100.0/24", family: 4 } as const;

let kernel: ReturnType<typeof darwinKernel>;
beforeAll(() => {
  kernel = darwinKernel();
});
afterAll(() => kernel[Symbol.dispose]());

test("behind it the device and the routes are ours, and nothing else of root's", () => {
  const driver = darwinDriver(onKernel(kernel));
  using device = driver.open({ addresses: ["192.0.2.1/24"] });
  const [kept, changing] = [driver.openNetwork(), driver.openNetwork()];
  const act = (network: DriverNetwork): void => {
    network.addRoute({ ...ROUTE, index: device.index });
    network.removeRoute({ ...ROUTE, index: device.index });
  };
  act(kept);
  const report = dropDarwinPrivileges(USER, darwinPrivileges([kernel.path]));
  expect(report).toEqual({ user: USER, kept: ["routes", "device"] });
  const { process_is_confined: isConfined } = library(kernel.path, {
    process_is_confined: { args: ["u32"], returns: "i32" },
  })();
  expect(isConfined(USER.uid)).toBe(1);
  act(kept);
  expect(() => act(changing)).toThrow("EPERM");
  expect(() => changing.setLink(device.index, { mtuBytes: 1400 })).toThrow("EPERM");
  expect(() => driver.open({})).toThrow("EPERM");
  for (const network of [kept, changing]) network.close();
});

const DONE: DarwinPrivileges = {
  ...{ becomeGroup: () => true, denyTracing: () => true, forbidCores: () => true },
  becomeUser: (uid) => uid !== 0,
};

test.each([
  ["forbidding cores", { forbidCores: () => false }],
  ["denying tracing", { denyTracing: () => false }],
  ["becoming group 502", { becomeGroup: () => false }],
  ["becoming user 502", { becomeUser: (): boolean => false }],
  ["staying that user", { becomeUser: (): boolean => true }],
] as const)("%s is not left undone in silence", (step, refusing) => {
  expect(() => dropDarwinPrivileges(USER, { ...DONE, ...refusing })).toThrow(`privileges: ${step}`);
  expect(dropDarwinPrivileges(USER, DONE).user).toEqual(USER);
});

test("who is named root stays root, without cores and debuggers", () => {
  const calls: string[] = [];
  const told: DarwinPrivileges = {
    ...DONE,
    denyTracing: () => calls.push("denyTracing") > 0,
    forbidCores: () => calls.push("forbidCores") > 0,
    becomeUser: () => calls.push("becomeUser") > 0,
  };
  expect(dropDarwinPrivileges(undefined, told)).toEqual({ user: undefined, kept: ["root"] });
  expect(calls).toEqual(["forbidCores", "denyTracing"]);
});
