import { ParallelChart } from "echarts/charts";
import { ParallelComponent } from "echarts/components";
import { use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

import type { Schemas } from "../api/client";
import * as format from "../format";
import { token, useTheme } from "../state/theme";
import { Drawing, ink, shown } from "./Drawing";

use([ParallelChart, ParallelComponent, CanvasRenderer]);

type Sweep = Schemas["SweepDetail"];
type Row = Sweep["rows"][number];

const MOST = 1000;
const BLUE = 60;

interface SweepParallelProps {
  sweep: Sweep;
  chosen: Row | null;
}

/** Every set as a line over its parameters and its figures; what is dragged on an axis narrows them. */
export default function SweepParallel({ sweep, chosen }: SweepParallelProps) {
  const theme = useTheme();
  const key = chosen ? JSON.stringify(chosen.parameters) : "";
  return (
    <Drawing
      label="Parallel coordinates of the sets"
      className="chart-parallel"
      option={options(sweep, chosen)}
      stamp={`${theme} ${key}`}
    />
  );
}

function options(sweep: Sweep, chosen: Row | null) {
  const rows = sweep.rows.filter((row) => row.sharpe !== null);
  const best = Math.min(BLUE, Math.ceil(rows.length / 10));
  const step = Math.max(1, Math.ceil((rows.length - best) / (MOST - best)));
  const rest = rows.slice(best).filter((_, at) => at % step === 0);
  const names = Object.keys(sweep.axes);
  const axes = names.map((name, dim) => ({
    ...axis(dim, name),
    type: "category" as const,
    data: (sweep.axes[name] ?? []).map(shown),
  }));
  const figures = [
    { ...axis(names.length, "Sharpe"), axisLabel: { ...ink().axisLabel, formatter: (v: number) => format.number(v) } },
    {
      ...axis(names.length + 1, "Plateau"),
      axisLabel: { ...ink().axisLabel, formatter: (v: number) => format.number(v) },
    },
  ];
  const line = (row: Row) => [...names.map((name) => shown(row.parameters[name])), row.sharpe, row.plateau];
  const group = (data: unknown[], color: string, width: number, opacity: number) => ({
    type: "parallel" as const,
    data,
    silent: true,
    lineStyle: { color, width, opacity },
    inactiveOpacity: 0.02,
    activeOpacity: Math.max(opacity, 0.5),
  });
  return {
    animation: false,
    parallel: { left: 40, right: 52, top: 40, bottom: 22 },
    parallelAxis: [...axes, ...figures],
    series: [
      group(rest.map(line), token("border"), 1, 0.25),
      group(rows.slice(0, best).map(line), token("primary"), 1, 0.6),
      group(chosen ? [line(chosen)] : [], token("warn"), 2.5, 1),
    ],
  };
}

function axis(dim: number, name: string) {
  return {
    dim,
    name,
    scale: true,
    ...ink(),
    nameTextStyle: { color: token("text"), fontFamily: "Inter", fontSize: 12, fontWeight: 600 },
    splitLine: { show: false },
  };
}
