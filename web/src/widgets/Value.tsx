import type { ReactNode } from "react";

import type { MetricValue } from "../api/client";
import * as format from "../format";

/** A change: sign, arrow and colour, so that none of them carries the meaning alone. */
export function Change({ value, children }: { value: number | string | null | undefined; children: ReactNode }) {
  const way = format.direction(value);
  return (
    <span className={`change ${way}`}>
      {way === "flat" ? null : <span aria-hidden="true">{way === "up" ? "▲" : "▼"}</span>}
      {children}
    </span>
  );
}

/** A name whose meaning appears on hover and on focus. */
export function Term({ id, label, children }: { id: string; label: ReactNode; children: ReactNode }) {
  return (
    <span className="term">
      <button type="button" className="term-word" aria-describedby={id}>
        {label}
      </button>
      <span role="tooltip" id={id} className="term-card">
        {children}
      </span>
    </span>
  );
}

export function MetricTerm({ metric, place }: { metric: MetricValue; place: string }) {
  return (
    <Term id={`${place}-${metric.name}`} label={metric.label}>
      <strong>{metric.definition}</strong>
      <code>{metric.formula}</code>
      <span>{metric.convention}</span>
    </Term>
  );
}

/** A figure with its benchmark below. */
export function Figure({ metric, versus }: { metric: MetricValue; versus: string }) {
  const text = format.inUnit(metric.value, metric.unit);
  const isChange = metric.name === "total_return" || metric.name === "annual_return";
  return (
    <div className="figure">
      <div className="figure-name">
        <MetricTerm metric={metric} place="headline" />
      </div>
      <div className="figure-value">
        {isChange ? (
          <span className={format.direction(metric.value)}>
            {format.percent(metric.value, 2, true)}
          </span>
        ) : (
          text
        )}
      </div>
      <div className="figure-versus">
        {metric.benchmark === null ? (
          <span>&nbsp;</span>
        ) : (
          <>
            <span className={versus === "Benchmark" ? "" : "symbol"}>{versus}</span>{" "}
            {isChange
              ? format.percent(metric.benchmark, 2, true)
              : format.inUnit(metric.benchmark, metric.unit)}
          </>
        )}
      </div>
    </div>
  );
}
