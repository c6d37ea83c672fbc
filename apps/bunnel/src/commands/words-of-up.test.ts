import { expect, test } from "bun:test";
import { readWordsOfUp } from "./words-of-up.ts";

test("readWordsOfUp() takes what `bunnel up` takes, and says what they want of a profile", () => {
  expect(readWordsOfUp([])).toEqual({});
  expect(readWordsOfUp(["--method", "nft", "--queues=2"])).toEqual({});
  expect(readWordsOfUp(["--strategy", "tls: split(1)"])).toEqual({ strategy: "tls: split(1)" });
});

test.each([
  [["--strategi", "x"], "found unknown option '--strategi'\n(Did you mean --strategy?)"],
  [["--queues", "0"], "found option '--queues <number>' argument '0' is invalid. expected 1 to 4"],
  [["now"], "found too many arguments for 'up'. Expected 0 arguments but got 1"],
  [["--help"], "found --help"],
])("readWordsOfUp(%j) refuses them", (words, found) => {
  expect(() => readWordsOfUp(words)).toThrow(`words behind --: expected those of \`bunnel up\`, ${found}`);
});

test("readWordsOfUp() refuses a profile, whose path would be another one where the service starts", () => {
  expect(() => readWordsOfUp(["--profile", "here.toml"])).toThrow("expected --profile before it, found here.toml");
});
