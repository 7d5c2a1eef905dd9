import { LineChart } from "echarts/charts";
import { AxisPointerComponent, GridComponent, MarkAreaComponent } from "echarts/components";
import { init, use, type ECharts } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef, useState } from "react";

import type { EquitySeries } from "../api/client";
import * as format from "../format";
import { token, useTheme } from "../state/theme";

use([LineChart, GridComponent, MarkAreaComponent, AxisPointerComponent, CanvasRenderer]);

interface EquityChartProps {
  series: EquitySeries;
  outOfSample: readonly { start: string; end: string }[];
  isLog: boolean;
  from: string | null;
}

/** Equity with its benchmark above, both drawdowns below, out-of-sample stretches shaded. */
export default function EquityChart({ series, outOfSample, isLog, from }: EquityChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts | null>(null);
  const theme = useTheme();
  const [at, setAt] = useState<number | null>(null);
  const first = from ? Math.max(0, series.times.findIndex((time) => time >= from)) : 0;

  useEffect(() => {
    if (!box.current) return;
    const made = init(box.current, null, { renderer: "canvas" });
    chart.current = made;
    made.on("updateAxisPointer", (event) => {
      const info = (event as { axesInfo?: { value: number }[] }).axesInfo?.[0];
      setAt(info ? info.value : null);
    });
    made.getZr().on("globalout", () => setAt(null));
    const watch = new ResizeObserver(() => made.resize());
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    chart.current?.setOption(options(series, outOfSample, isLog, first), { notMerge: true });
  }, [series, outOfSample, isLog, first, theme]);

  const index = first + (at ?? series.times.length - 1 - first);
  const hasBenchmark = series.benchmark.some((value) => value !== null);
  return (
    <figure className="chart">
      <div className="legend" aria-hidden="true">
        <span className="legend-date">{format.date(series.times[index])}</span>
        <span className="key key-main">
          Strategy <b>{format.money(series.equity[index], false, 0)}</b>
          <i>{format.percent(series.drawdown[index], 1)}</i>
        </span>
        {hasBenchmark ? (
          <span className="key key-versus">
            {series.benchmark_name} <b>{format.money(series.benchmark[index], false, 0)}</b>
            <i>{format.percent(series.benchmark_drawdown[index], 1)}</i>
          </span>
        ) : null}
        {outOfSample.length > 0 ? <span className="key key-area">Out of sample</span> : null}
      </div>
      <div ref={box} className="chart-canvas chart-equity" role="img" aria-label={summary(series)} />
    </figure>
  );
}

function summary(series: EquitySeries): string {
  const values = series.equity.filter((value): value is number => value !== null);
  const first = values[0] ?? 0;
  const last = values.at(-1) ?? 0;
  const deepest = Math.min(0, ...series.drawdown.map((value) => value ?? 0));
  return (
    `Equity from ${format.date(series.times[0])} to ${format.date(series.times.at(-1))}: ` +
    `first ${format.money(first, false, 0)}, last ${format.money(last, false, 0)}, ` +
    `lowest ${format.money(Math.min(...values), false, 0)}, ` +
    `highest ${format.money(Math.max(...values), false, 0)}, ` +
    `deepest drawdown ${format.percent(deepest, 1)}.`
  );
}

function options(
  series: EquitySeries,
  outOfSample: readonly { start: string; end: string }[],
  isLog: boolean,
  first: number,
) {
  const days = series.times.slice(first).map((time) => time.slice(0, 10));
  const label = { color: token("muted"), fontFamily: "Inter", fontSize: 11 };
  const line = { lineStyle: { color: token("hairline") } };
  const bottom = { type: "category" as const, data: days, boundaryGap: false, axisTick: { show: false } };
  const narrow = window.innerWidth < 640;
  const left = narrow ? 44 : 60;
  const right = narrow ? 8 : 16;
  const nearest = (day: string, after: boolean): string | undefined =>
    after ? days.find((other) => other >= day) : days.findLast((other) => other <= day);
  const shades = outOfSample.flatMap((span) => {
    const start = nearest(span.start.slice(0, 10), true);
    const end = nearest(span.end.slice(0, 10), false);
    return start && end && start <= end ? [[{ xAxis: start }, { xAxis: end }]] : [];
  });
  const plain = { type: "line" as const, symbol: "none", animation: false, sampling: "lttb" as const };
  return {
    animation: false,
    grid: [
      { left, right, top: 10, height: "62%" },
      { left, right, top: "76%", bottom: 26 },
    ],
    axisPointer: {
      link: [{ xAxisIndex: "all" as const }],
      lineStyle: { color: token("border"), type: "solid" as const },
      label: { show: false },
    },
    xAxis: [
      { ...bottom, gridIndex: 0, axisLabel: { show: false }, axisLine: line, axisPointer: { show: true } },
      {
        ...bottom,
        gridIndex: 1,
        axisLine: line,
        axisPointer: { show: true },
        axisLabel: {
          ...label,
          hideOverlap: true,
          formatter: (day: string) => (days.length > 600 ? day.slice(0, 4) : day.slice(0, 7)),
          interval: (index: number, day: string) =>
            days.length > 600
              ? index === 0 || day.slice(0, 4) !== days[index - 1]?.slice(0, 4)
              : index === 0 || day.slice(0, 7) !== days[index - 1]?.slice(0, 7),
        },
      },
    ],
    yAxis: [
      {
        type: isLog ? ("log" as const) : ("value" as const),
        gridIndex: 0,
        scale: true,
        splitNumber: 4,
        axisLabel: { ...label, formatter: short },
        splitLine: line,
      },
      {
        type: "value" as const,
        gridIndex: 1,
        max: 0,
        splitNumber: 2,
        axisLabel: { ...label, formatter: (value: number) => `${Math.round(value * 100)} %`.replace("-", "−") },
        splitLine: line,
      },
    ],
    series: [
      {
        ...plain,
        name: "benchmark",
        data: series.benchmark.slice(first),
        lineStyle: { color: token("benchmark"), width: 1.25 },
        itemStyle: { color: token("benchmark") },
      },
      {
        ...plain,
        name: "strategy",
        data: series.equity.slice(first),
        lineStyle: { color: token("primary"), width: 1.75 },
        itemStyle: { color: token("primary") },
        markArea: { silent: true, itemStyle: { color: token("oos-wash") }, data: shades as never },
      },
      {
        ...plain,
        xAxisIndex: 1,
        yAxisIndex: 1,
        data: series.benchmark_drawdown.slice(first),
        lineStyle: { color: token("benchmark"), width: 1 },
        itemStyle: { color: token("benchmark") },
      },
      {
        ...plain,
        xAxisIndex: 1,
        yAxisIndex: 1,
        data: series.drawdown.slice(first),
        lineStyle: { color: token("down"), width: 1 },
        itemStyle: { color: token("down") },
        areaStyle: { color: token("down"), opacity: 0.14 },
      },
    ],
  };
}

function short(value: number): string {
  if (Math.abs(value) >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  if (Math.abs(value) >= 1e3) return `${Number((value / 1e3).toPrecision(3))} k`;
  return String(value);
}
