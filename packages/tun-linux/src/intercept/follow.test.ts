// needs root: network namespaces
import { describe, expect, test } from "bun:test";
import { RoutedLab } from "../../test/intercept/routed-lab.ts";
import { NetworkEvents } from "../netcfg/events.ts";
import { followNetwork } from "./follow.ts";
import { interceptNft } from "./nft.ts";
import { canMakeNftTable } from "./probe.ts";

describe("followNetwork()", () => {
  test("takes up a new uplink and puts back a rule, and ends with the events", async () => {
    using lab = await RoutedLab.open();
    const options = lab.options({ tls: [] });
    using interception = lab.client.run(() => interceptNft(options, { statePath: lab.statePath }));
    using events = lab.client.run(() => NetworkEvents.open());
    const before = lab.traces();
    const refreshed: boolean[] = [];
    const changed = Promise.withResolvers<undefined>();
    const following = followNetwork(
      {
        refresh() {
          refreshed.push(interception.refresh());
          if (refreshed.filter(Boolean).length === 2) changed.resolve(undefined);
          return true;
        },
      },
      events,
    );
    lab.near("ip", "route", "add", "default", "via", "198.51.100.254", "dev", "c1", "metric", "50");
    while (!refreshed.includes(true)) await Bun.sleep(1);
    expect(interception.uplinks).toEqual(["c0", "c1"]);
    lab.near("ip", "rule", "del", "pref", "9000");
    await changed.promise;
    expect(lab.traces().rules).toEqual(before.rules);
    events.close();
    await following;
  });
});

describe("canMakeNftTable()", () => {
  test("has nothing against a namespace where it can, and leaves nothing there", async () => {
    using lab = await RoutedLab.open();
    expect(lab.client.run(canMakeNftTable)).toBeUndefined();
    expect(lab.traces().tables).toEqual([]);
  });

  test("says what is missing", () => {
    const script = `
      import { canMakeNftTable } from ${JSON.stringify(new URL("probe.ts", import.meta.url).pathname)};
      console.log(canMakeNftTable());`;
    const command = ["setpriv", "--inh-caps=-net_admin", "--bounding-set=-net_admin", process.execPath, "-e", script];
    expect(Bun.spawnSync(command).stdout.toString()).toContain("EPERM: needs CAP_NET_ADMIN");
  });
});
