import { describe, expect, it } from "vitest";

import { matcher } from "../src/state/keys";

const noAct = () => undefined;
const shortcuts = [
  { keys: "g h", what: "home", act: noAct },
  { keys: "g t", what: "trade", act: noAct },
  { keys: "T", what: "theme", act: noAct },
];

describe("shortcuts", () => {
  it("takes two keys one after the other", () => {
    const match = matcher(shortcuts);
    expect(match("g", 1000)).toBeNull();
    expect(match("t", 1400)?.what).toBe("trade");
  });

  it("forgets the first key after a while", () => {
    const match = matcher(shortcuts);
    match("g", 1000);
    expect(match("h", 9000)).toBeNull();
  });

  it("takes a single key at once, and tells upper from lower case", () => {
    const match = matcher(shortcuts);
    expect(match("T", 10)?.what).toBe("theme");
    expect(match("t", 20)).toBeNull();
  });
});
