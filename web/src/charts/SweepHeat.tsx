import { HeatmapChart } from "echarts/charts";
import { GridComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

import type { Schemas } from "../api/client";
import * as format from "../format";
import { token, useTheme } from "../state/theme";
import { Drawing, ink, shown } from "./Drawing";

use([HeatmapChart, GridComponent, TooltipComponent, VisualMapComponent, CanvasRenderer]);

type Sweep = Schemas["SweepDetail"];

interface SweepHeatProps {
  sweep: Sweep;
  x: string;
  y: string;
  onPick: (chosen: Record<string, unknown>) => void;
}

/** The Sharpe ratio over two parameters, the mean over the others; a cell picks its best set. */
export default function SweepHeat({ sweep, x, y, onPick }: SweepHeatProps) {
  const theme = useTheme();
  const across = sweep.axes[x] ?? [];
  const along = sweep.axes[y] ?? [];
  const cells = cellsOf(sweep, x, y);
  const pick = (event: { data?: unknown }): void => {
    const [i, j] = event.data as [number, number];
    const best = sweep.rows.find((row) => row.parameters[x] === across[i] && row.parameters[y] === along[j]);
    if (best) onPick(best.parameters);
  };
  return (
    <Drawing
      label={`Sharpe ratio over ${x} and ${y}`}
      className="chart-heat"
      option={options(across.map(shown), along.map(shown), cells, x, y)}
      stamp={`${theme} ${x} ${y}`}
      onPick={pick}
    />
  );
}

export function cellsOf(sweep: Sweep, x: string, y: string): [number, number, number][] {
  const across = sweep.axes[x] ?? [];
  const along = sweep.axes[y] ?? [];
  const found = new Map<string, number[]>();
  for (const row of sweep.rows) {
    if (row.sharpe === null) continue;
    const at = `${across.indexOf(row.parameters[x] ?? null)} ${along.indexOf(row.parameters[y] ?? null)}`;
    found.set(at, [...(found.get(at) ?? []), row.sharpe]);
  }
  return [...found].map(([at, values]) => {
    const [i = 0, j = 0] = at.split(" ").map(Number);
    return [i, j, values.reduce((all, value) => all + value, 0) / values.length];
  });
}

function options(across: string[], along: string[], cells: [number, number, number][], x: string, y: string) {
  const most = Math.max(0.01, ...cells.map(([, , value]) => Math.abs(value)));
  const few = across.length <= 12 && window.innerWidth >= 640;
  const axis = { ...ink(), nameTextStyle: { color: token("text"), fontFamily: "Inter", fontWeight: 600 } };
  const plain = { type: "category" as const, splitArea: { show: false }, axisTick: { show: false } };
  return {
    animation: false,
    grid: { left: 54, right: 12, top: 30, bottom: 52 },
    tooltip: {
      ...tip(),
      formatter: (item: { data: [number, number, number] }) => {
        const [i, j, value] = item.data;
        return `${x} <b>${across[i]}</b>, ${y} <b>${along[j]}</b><br>Sharpe <b>${format.number(value)}</b>`;
      },
    },
    xAxis: { ...plain, ...axis, data: across, name: x, nameLocation: "middle" as const, nameGap: 30 },
    yAxis: { ...plain, ...axis, data: along, name: y },
    visualMap: {
      show: false,
      // Half the way to the full colour, so that figures stay readable on it.
      min: -2 * most,
      max: 2 * most,
      inRange: { color: [token("down"), token("panel"), token("up")] },
    },
    series: [
      {
        type: "heatmap" as const,
        data: cells,
        itemStyle: { borderColor: token("panel"), borderWidth: 1 },
        emphasis: { itemStyle: { borderColor: token("text"), borderWidth: 1.5 } },
        label: {
          show: few,
          color: token("text"),
          fontFamily: "Inter",
          fontSize: 11,
          formatter: (item: { data: [number, number, number] }) => format.number(item.data[2]),
        },
      },
    ],
  };
}

export function tip() {
  return {
    backgroundColor: token("panel"),
    borderColor: token("border"),
    textStyle: { color: token("text"), fontFamily: "Inter", fontSize: 12 },
    confine: true,
  };
}
