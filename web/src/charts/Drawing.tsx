import { init, type ECharts } from "echarts/core";
import { useEffect, useRef } from "react";

import { token } from "../state/theme";

interface DrawingProps {
  label: string;
  className: string;
  option: Record<string, unknown>;
  /** Changes when the drawing must be made anew: the theme, or what is shown. */
  stamp: string;
  onPick?: (event: { data?: unknown; dataIndex?: number }) => void;
}

/** A chart on a canvas that follows its box; a click on a mark is a pick. */
export function Drawing({ label, className, option, stamp, onPick }: DrawingProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts | null>(null);
  const pick = useRef(onPick);
  pick.current = onPick;

  useEffect(() => {
    if (!box.current) return;
    const made = init(box.current, null, { renderer: "canvas" });
    chart.current = made;
    made.on("click", (event) => pick.current?.(event));
    const watch = new ResizeObserver(() => made.resize());
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    chart.current?.setOption(option, { notMerge: true });
    // The option is made anew with every drawing of the page; the stamp says whether it differs.
  }, [stamp]);

  return <div ref={box} className={`chart-canvas ${className}`} role="img" aria-label={label} />;
}

/** Colours of an axis in the theme in force. */
export function ink() {
  return {
    axisLabel: { color: token("muted"), fontFamily: "Inter", fontSize: 11, hideOverlap: true },
    axisLine: { lineStyle: { color: token("border") } },
  };
}

/** A value of a parameter as text. */
export function shown(value: unknown): string {
  return value === null || value === undefined ? "–" : String(value);
}
