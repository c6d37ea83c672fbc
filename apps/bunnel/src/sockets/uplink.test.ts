import { describe, expect, test } from "bun:test";
import type { DriverNetwork } from "@bunnel/tun";
import { findUplink, Uplink } from "./uplink.ts";

type Route = ReturnType<DriverNetwork["routes"]>[number];
type Link = NonNullable<ReturnType<DriverNetwork["link"]>>;

const NAMES = ["", "lo0", "en0", "en1", "utun0"];
const MTUS = [0, 16_384, 1500, 1280, 1400];

function route(index: number, more: Partial<Route> = {}): Route {
  const destination = more.family === 6 ? "::/0" : "default";
  return { destination, family: 4, index, flags: 1, metric: 0, ...more } as Route;
}

function network(routes: readonly Route[], down: readonly number[] = []): DriverNetwork {
  const link = (index: number): Link => {
    return {
      index,
      name: NAMES[index],
      mtuBytes: MTUS[index],
      up: !down.includes(index),
      loopback: index === 1,
    } as Link;
  };
  return { routes: () => [...routes], link, [Symbol.dispose]: () => undefined } as unknown as DriverNetwork;
}

describe("findUplink()", () => {
  test("takes the default route with the best metric, and says for which families there is one", () => {
    const routes = [route(3, { metric: 20 }), route(2, { metric: 5 }), route(2, { family: 6 })];
    expect(findUplink(network(routes), [])).toEqual({ name: "en0", mtuBytes: 1500, families: [4, 6] });
  });

  test("takes no route of our own device, of a loopback, of one that is down, or for bound sockets alone", () => {
    const scoped = route(3, { flags: 0x100_0001 });
    expect(findUplink(network([route(4), route(1), scoped]), [], 4)).toBeUndefined();
    expect(findUplink(network([route(2), route(3)], [2]), [])?.name).toBe("en1");
  });

  test("takes one of those that are named, and IPv6 where there is nothing else", () => {
    expect(findUplink(network([route(2), route(3)]), ["en1"])?.name).toBe("en1");
    expect(findUplink(network([route(2), route(3)]), ["en7"])).toBeUndefined();
    expect(findUplink(network([route(2, { family: 6 })]), [])?.families).toEqual([6]);
  });
});

describe("Uplink", () => {
  test("tells of another one, keeps the last where there is none, and says when there never was one", () => {
    let routes = [route(2)];
    const uplink = new Uplink(() => network(routes), []);
    const told: string[] = [];
    const unfollow = uplink.follow((name) => told.push(name));
    expect(uplink.name).toBe("en0");
    routes = [];
    expect(uplink.look()?.name).toBe("en0");
    routes = [route(3)];
    expect(uplink.look()?.name).toBe("en1");
    unfollow();
    routes = [route(2)];
    uplink.look();
    expect(told).toEqual(["en1"]);
    expect(() => new Uplink(() => network([]), ["en7"]).state).toThrow("expected one of en7 with a default route");
  });
});
