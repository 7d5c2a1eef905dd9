import {
  AreaSeries,
  ColorType,
  createChart,
  type IChartApi,
  type ISeriesApi,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import { useEffect, useRef } from "react";

import type { PaperEquity } from "../api/client";
import * as format from "../format";
import { token, useTheme } from "../state/theme";

/** Equity of the paper account as it comes in. */
export default function LiveEquity({ series }: { series: PaperEquity }) {
  const box = useRef<HTMLDivElement>(null);
  const made = useRef<{ chart: IChartApi; line: ISeriesApi<"Area">; drawn: string[] } | null>(null);
  const theme = useTheme();

  useEffect(() => {
    if (!box.current) return;
    const chart = createChart(box.current, {
      autoSize: true,
      layout: {
        background: { type: ColorType.Solid, color: token("panel") },
        textColor: token("muted"),
        fontFamily: "Inter, sans-serif",
        fontSize: 11,
        attributionLogo: false,
      },
      localization: { priceFormatter: (value: number) => format.money(value, false, 0) },
      grid: { vertLines: { visible: false }, horzLines: { color: token("hairline") } },
      rightPriceScale: { borderColor: token("hairline") },
      timeScale: { borderColor: token("hairline"), rightOffset: 2, fixLeftEdge: true },
    });
    const line = chart.addSeries(AreaSeries, {
      lineColor: token("primary"),
      lineWidth: 2,
      topColor: token("oos-wash"),
      bottomColor: token("oos-wash"),
      priceLineVisible: false,
      priceFormat: { type: "price", precision: 0, minMove: 1 },
    });
    made.current = { chart, line, drawn: [] };
    return () => {
      chart.remove();
      made.current = null;
    };
  }, [theme]);

  useEffect(() => {
    const now = made.current;
    if (!now) return;
    const points = series.times.flatMap((time, row) => {
      const value = series.equity[row];
      return typeof value === "number" ? [{ time: clock(time), value }] : [];
    });
    const before = now.drawn.length;
    if (before > 0 && series.times.length === before && now.drawn[before - 1] === series.times.at(-1)) return;
    const grew = before > 0 && series.times.length > before && now.drawn[before - 1] === series.times[before - 1];
    if (grew) for (const point of points.slice(before)) now.line.update(point);
    else now.line.setData(points);
    if (!grew || before < 200) now.chart.timeScale().fitContent();
    now.drawn = series.times;
  }, [series, theme]);

  const last = series.equity.at(-1);
  const label =
    `Equity of the paper account from ${format.date(series.times[0])} to ` +
    `${format.date(series.times.at(-1))}: ${format.money(series.equity[0], false, 0)} at first, ` +
    `${format.money(last, false, 0)} now.`;
  return <div ref={box} className="chart-canvas chart-live" role="img" aria-label={label} />;
}

function clock(moment: string): Time {
  return (Date.parse(moment) / 1000) as UTCTimestamp;
}
