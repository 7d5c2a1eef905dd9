import { describe, expect, it } from "vitest";

import { countSets, readGrid } from "../src/state/grid";

describe("a grid as it is typed", () => {
  it("reads ranges, lists and words", () => {
    const grid = readGrid("fast=5:20:5\nlevel=0.1:0.3:0.1; kind=a, b\nshort=true,false");
    expect(grid).toEqual({ fast: [5, 10, 15, 20], level: [0.1, 0.2, 0.3], kind: ["a", "b"], short: [true, false] });
    expect(countSets(grid)).toBe(48);
  });

  it.each(["fast", "fast=", "=1:2", "fast=5:1:1", "fast=1:5:0", "fast=1:2:3:4", "fast=1:1e9", ""])(
    "refuses %j",
    (text) => {
      expect(() => readGrid(text)).toThrow(/wanted|at least one/);
    },
  );
});
