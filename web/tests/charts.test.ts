// @vitest-environment node
import { describe, expect, it } from "vitest";

import { compounded, shade } from "../src/charts/MonthGrid";
import { thin } from "../src/widgets/Spark";

describe("the month grid", () => {
  it("compounds months to a year and leaves out missing ones", () => {
    expect(compounded([0.1, null, -0.1, undefined])).toBeCloseTo(-0.01, 12);
    expect(compounded([null, undefined])).toBeNull();
  });

  it("tints stronger for larger months, the same for both signs", () => {
    const levels = [0, 0.005, 0.02, 0.04, 0.2].map(shade);
    expect(levels).toEqual([0, 1, 2, 3, 4]);
    expect(shade(-0.2)).toBe(4);
    expect(shade(null)).toBe(0);
  });
});

describe("the spark line", () => {
  it("keeps the first and the last point when it thins", () => {
    const values = Array.from({ length: 1000 }, (_, index) => index);
    const few = thin(values, 240);
    expect(few).toHaveLength(240);
    expect(few[0]).toBe(0);
    expect(few.at(-1)).toBe(999);
  });

  it("leaves gaps out", () => {
    expect(thin([1, null, 3], 10)).toEqual([1, 3]);
  });
});
