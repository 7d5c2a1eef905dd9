import { describe, expect, it } from "vitest";

import * as format from "../src/format";

describe("numbers", () => {
  it("shows a true minus, thin spaces and no more digits than asked", () => {
    expect(format.number(-1234567.891, 2)).toBe("−1\u202f234\u202f567.89");
    expect(format.number(1234.5, 1)).toBe("1234.5");
    expect(format.money("100000.00")).toBe("100\u202f000.00");
  });

  it("always shows the sign of a change, but none on zero", () => {
    expect(format.percent(0.0123, 2, true)).toBe("+1.23\u202f%");
    expect(format.percent(-0.2, 1, true)).toBe("−20.0\u202f%");
    expect(format.percent(0.00001, 1, true)).toBe("0.0\u202f%");
    expect(format.money("-0.001", true)).toBe("0.00");
  });

  it("shows a dash for what is not known", () => {
    for (const missing of [null, undefined, "", Number.NaN, Number.POSITIVE_INFINITY, "x"]) {
      expect(format.number(missing)).toBe("–");
    }
  });

  it("drops zeros of a quantity that say nothing", () => {
    expect(format.quantity("12.50000000")).toBe("12.5");
    expect(format.quantity("-300")).toBe("−300");
    expect(format.quantity("0.00012")).toBe("0.0001");
  });

  it("writes a metric in its unit", () => {
    expect(format.inUnit(0.1, "fraction")).toBe("10.00\u202f%");
    expect(format.inUnit(12.4, "count")).toBe("12");
    expect(format.inUnit(0.9512, "probability")).toBe("0.951");
    expect(format.inUnit(1.234, "ratio")).toBe("1.23");
  });
});

describe("times", () => {
  it("keeps the day of the exchange's close in UTC", () => {
    expect(format.date("2016-03-14T20:00:00.000Z")).toBe("2016-03-14");
    expect(format.dateTime("2016-03-14T20:00:00.000Z")).toBe("2016-03-14 20:00");
    expect(format.longDate("2016-12-31T23:30:00.000Z")).toBe("31 Dec 2016");
  });

  it("says how long ago in words", () => {
    const now = Date.parse("2026-01-05T12:00:00Z");
    expect(format.ago("2026-01-05T11:59:40Z", now)).toBe("just now");
    expect(format.ago("2026-01-05T11:50:00Z", now)).toBe("10 min ago");
    expect(format.ago("2026-01-05T06:00:00Z", now)).toBe("6 h ago");
    expect(format.ago("2026-01-01T06:00:00Z", now)).toBe("2026-01-01");
  });
});
