import {
  CandlestickSeries,
  ColorType,
  createChart,
  createSeriesMarkers,
  CrosshairMode,
  HistogramSeries,
  LineSeries,
  LineStyle,
  type IChartApi,
  type SeriesMarker,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import { useEffect, useRef, useState } from "react";

import type { RunBars } from "../api/client";
import * as format from "../format";
import { token, useTheme } from "../state/theme";

interface CandlesProps {
  bars: RunBars;
  /** Trade whose stretch is brought into view and drawn strongest. */
  trade: number | null;
}

/** Days stand by their date, so that nights, weekends and holidays leave no gap. */
function timeOf(moment: string, isDaily: boolean): Time {
  return isDaily ? moment.slice(0, 10) : ((Date.parse(moment) / 1000) as UTCTimestamp);
}

/** Candles with volume, and what the run did on them. */
export default function Candles({ bars, trade }: CandlesProps) {
  const box = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const [at, setAt] = useState<number | null>(null);

  useEffect(() => {
    if (!box.current) return;
    const chart = draw(box.current, bars, trade);
    const isDaily = !/[mh]$/.test(bars.interval);
    const rows = new Map(bars.times.map((time, row) => [String(timeOf(time, isDaily)), row]));
    chart.subscribeCrosshairMove((point) => {
      setAt(point.time === undefined ? null : (rows.get(String(point.time)) ?? null));
    });
    return () => chart.remove();
  }, [bars, trade, theme]);

  const row = at ?? bars.times.length - 1;
  const change = (bars.close[row] ?? 0) - (bars.open[row] ?? 0);
  return (
    <figure className="chart">
      <div className="legend" aria-hidden="true">
        <span className="symbol">{bars.symbol}</span>
        <span className="legend-date">{format.date(bars.times[row])}</span>
        <span className="ohlc">
          O <b>{format.number(bars.open[row])}</b>
        </span>
        <span className="ohlc">
          H <b>{format.number(bars.high[row])}</b>
        </span>
        <span className="ohlc">
          L <b>{format.number(bars.low[row])}</b>
        </span>
        <span className="ohlc">
          C <b className={format.direction(change)}>{format.number(bars.close[row])}</b>
        </span>
      </div>
      <div ref={box} className="chart-canvas chart-candles" role="img" aria-label={summary(bars, trade)} />
    </figure>
  );
}

function summary(bars: RunBars, trade: number | null): string {
  const marks = trade === null ? bars.marks : bars.marks.filter((mark) => mark.trade === trade);
  const acts = marks
    .slice(0, 6)
    .map((mark) => `${mark.kind} ${format.date(mark.at)} at ${format.number(mark.price)}`)
    .join(", ");
  return (
    `Candles of ${bars.symbol} from ${format.date(bars.times[0])} to ` +
    `${format.date(bars.times.at(-1))}. ${acts}`
  );
}

function draw(box: HTMLElement, bars: RunBars, trade: number | null): IChartApi {
  const isDaily = !/[mh]$/.test(bars.interval);
  const times = bars.times.map((time) => timeOf(time, isDaily));
  const up = token("up");
  const down = token("down");
  const chart = createChart(box, {
    autoSize: true,
    layout: {
      background: { type: ColorType.Solid, color: token("panel") },
      textColor: token("muted"),
      fontFamily: "Inter, sans-serif",
      fontSize: 11,
      attributionLogo: false,
    },
    grid: { vertLines: { color: token("hairline") }, horzLines: { color: token("hairline") } },
    rightPriceScale: { borderColor: token("hairline"), scaleMargins: { top: 0.1, bottom: 0.24 } },
    timeScale: { borderColor: token("hairline"), rightOffset: 4, timeVisible: !isDaily },
    crosshair: { mode: CrosshairMode.Normal },
  });
  const candles = chart.addSeries(CandlestickSeries, {
    upColor: up,
    downColor: down,
    borderUpColor: up,
    borderDownColor: down,
    wickUpColor: up,
    wickDownColor: down,
    priceLineVisible: false,
    lastValueVisible: false,
  });
  candles.setData(
    times.map((time, row) => ({
      time,
      open: bars.open[row] ?? 0,
      high: bars.high[row] ?? 0,
      low: bars.low[row] ?? 0,
      close: bars.close[row] ?? 0,
    })),
  );
  addVolume(chart, times, bars);
  addLines(chart, bars, isDaily);
  createSeriesMarkers(candles, markers(bars, trade, isDaily));
  show(chart, bars, trade);
  return chart;
}

function addVolume(chart: IChartApi, times: Time[], bars: RunBars): void {
  const volume = chart.addSeries(HistogramSeries, {
    priceScaleId: "volume",
    priceFormat: { type: "volume" },
    priceLineVisible: false,
    lastValueVisible: false,
    color: token("hairline"),
  });
  volume.setData(times.map((time, row) => ({ time, value: bars.volume[row] ?? 0 })));
  chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
}

function addLines(chart: IChartApi, bars: RunBars, isDaily: boolean): void {
  const look = {
    entry: { color: token("primary"), lineStyle: LineStyle.Solid },
    exit: { color: token("text"), lineStyle: LineStyle.Solid },
    stop: { color: token("down"), lineStyle: LineStyle.Dashed },
    target: { color: token("up"), lineStyle: LineStyle.Dashed },
  };
  for (const line of bars.lines) {
    const start = timeOf(line.start, isDaily);
    const end = timeOf(line.end, isDaily);
    const points = start === end ? [start] : [start, end];
    const series = chart.addSeries(LineSeries, {
      ...look[line.kind],
      lineWidth: 1,
      priceLineVisible: false,
      lastValueVisible: false,
      crosshairMarkerVisible: false,
    });
    series.setData(points.map((time) => ({ time, value: line.price })));
  }
}

function markers(bars: RunBars, trade: number | null, isDaily: boolean): SeriesMarker<Time>[] {
  return bars.marks.map((mark) => {
    const isMine = trade === null || mark.trade === trade;
    const buys = mark.side === "BUY";
    const color = isMine ? token(buys ? "up" : "down") : token("border");
    return {
      time: timeOf(mark.at, isDaily),
      position: buys ? "belowBar" : "aboveBar",
      shape: buys ? "arrowUp" : "arrowDown",
      color,
      size: isMine ? 1 : 0.6,
      ...(isMine && trade !== null ? { text: mark.text } : {}),
    } satisfies SeriesMarker<Time>;
  });
}

function show(chart: IChartApi, bars: RunBars, trade: number | null): void {
  const mine = bars.marks.filter((mark) => mark.trade === trade);
  const first = mine[0];
  const last = mine.at(-1);
  if (trade === null || !first || !last) {
    chart.timeScale().fitContent();
    return;
  }
  const from = bars.times.findIndex((time) => time >= first.at);
  const to = bars.times.findLastIndex((time) => time <= last.at);
  const room = Math.max(18, Math.round((to - from) * 0.35));
  chart.timeScale().setVisibleLogicalRange({ from: from - room, to: to + room });
}
