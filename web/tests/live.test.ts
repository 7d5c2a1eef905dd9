import { describe, expect, it } from "vitest";

import { extend, joined, longer, runsOf, upsert, withPosition } from "../src/live/apply";
import { Sequence, waitMs } from "../src/live/socket";

const message = (topic: string, seq: number) => ({ type: "fill", topic, seq, ts: "", data: {} });

describe("the order of messages", () => {
  it("follows without a hole, each topic for itself", () => {
    const sequence = new Sequence();
    expect(sequence.follows(message("paper.fill", 1))).toBe(true);
    expect(sequence.follows(message("paper.order", 1))).toBe(true);
    expect(sequence.follows(message("paper.fill", 2))).toBe(true);
    expect(sequence.follows(message("paper.fill", 4))).toBe(false);
    expect(sequence.follows({ type: "pong", ts: "", data: {} })).toBe(true);
  });

  it("begins anew on a new connection", () => {
    const sequence = new Sequence();
    sequence.follows(message("paper.fill", 9));
    sequence.reset();
    expect(sequence.follows(message("paper.fill", 1))).toBe(true);
  });
});

describe("waiting before the next connection", () => {
  it("is random up to a bound that doubles and stops at 30 s", () => {
    expect(waitMs(0, () => 1)).toBe(500);
    expect(waitMs(3, () => 1)).toBe(4_000);
    expect(waitMs(20, () => 1)).toBe(30_000);
    expect(waitMs(5, () => 0)).toBe(0);
  });
});

describe("lists kept by the stream", () => {
  it("puts a new row in front and a known one in its place", () => {
    const rows = [{ id: "b", n: 1 }, { id: "a", n: 1 }];
    const key = (row: { id: string }) => row.id;
    expect(upsert(rows, { id: "c", n: 1 }, key).map(key)).toEqual(["c", "b", "a"]);
    expect(upsert(rows, { id: "a", n: 2 }, key)).toEqual([{ id: "b", n: 1 }, { id: "a", n: 2 }]);
  });

  it("removes a position that was closed and sorts by size", () => {
    const row = (symbol: string, quantity: string, value: string) => ({
      symbol,
      quantity,
      value,
      average_cost: 1,
      price: 1,
      unrealised: "0",
      weight: 0,
    });
    const rows = [row("AAPL", "1", "100"), row("MSFT", "1", "50")];
    expect(withPosition(rows, row("AAPL", "0", "0")).map((item) => item.symbol)).toEqual(["MSFT"]);
    expect(withPosition(rows, row("XOM", "-1", "-70")).map((item) => item.symbol)).toEqual(["AAPL", "XOM", "MSFT"]);
  });

  it("never goes back to an older answer of the same series", () => {
    const old = { currency: "USD", times: ["t1", "t2"], equity: [1, 2], cash: [1, 1] };
    const older = { currency: "USD", times: ["t1"], equity: [1], cash: [1] };
    const other = { currency: "USD", times: ["t9"], equity: [9], cash: [9] };
    expect(longer(old, older)).toBe(old);
    expect(longer(older, old)).toBe(old);
    expect(longer(old, other)).toBe(other);
    expect(longer(undefined, older)).toBe(older);
  });

  it("adds new points of equity and leaves out what it holds already", () => {
    const series = { currency: "USD", times: ["t1", "t2"], equity: [1, 2], cash: [1, 1] };
    const point = (at: string, equity: number) => ({ at, equity, cash: 0 });
    expect(extend(series, [point("t2", 2), point("t3", 3), point("t3", 3), point("t4", 4)]).equity).toEqual([1, 2, 3, 4]);
    expect(extend(series, [point("t1", 9)])).toBe(series);
  });
});

describe("events of risk", () => {
  const event = (kind: string, message: string, at = "2016-01-04T21:00:00Z") => ({
    kind,
    message,
    at,
    scope: "account:paper",
    rule: "drawdown",
    value: null,
    limit: null,
    is_critical: false,
  });

  it("that say the same are one line with a number", () => {
    const rows = [event("OrderDenied", "halted"), event("OrderDenied", "halted"), event("TradingHalted", "drawdown")];
    expect(runsOf(rows).map(({ row, count }) => [row.kind, count])).toEqual([
      ["OrderDenied", 2],
      ["TradingHalted", 1],
    ]);
    expect(runsOf([])).toEqual([]);
  });

  it("of a new snapshot keep what only the stream told, and take halts from the record", () => {
    const seen = [event("OrderDenied", "halted"), event("TradingHalted", "told live")];
    const recorded = [event("TradingHalted", "on the record")];
    expect(joined(seen, recorded).map((row) => row.message)).toEqual(["halted", "on the record"]);
  });
});
