import { lazy, Suspense, useState } from "react";

import type { RunDetail, Schemas } from "../api/client";
import { useRun, useRunAnalysis, useRunEquity } from "../api/queries";
import { MonthGrid } from "../charts/MonthGrid";
import { WindowPlan } from "../charts/WindowPlan";
import * as format from "../format";
import { setQuery, usePlace } from "../state/router";
import { verdictLook } from "../widgets/Badge";
import { Icon, type IconName } from "../widgets/Icon";
import { Link } from "../widgets/Link";
import { Failure, Loaded, Notice, Panel, Skeleton } from "../widgets/Panel";
import { Figure, MetricTerm } from "../widgets/Value";
import { RunCosts } from "./RunCosts";
import { Attribution, Foundations, Luck } from "./RunOrigins";
import { FigureTable, Manifest } from "./RunParts";
import { RunStress } from "./RunStress";
import { RunTrades } from "./RunTrades";

const EquityChart = lazy(() => import("../charts/EquityChart"));

const VIEWS = [
  ["overview", "Overview"],
  ["trades", "Trades"],
  ["validation", "Validation"],
  ["costs", "Costs"],
  ["stress", "Stress"],
  ["attribution", "Attribution"],
  ["manifest", "Foundations"],
] as const;

type View = (typeof VIEWS)[number][0];

const HEADLINE = ["total_return", "annual_return", "sharpe", "max_drawdown", "annual_volatility", "profit_factor"];

export function RunPage({ runId }: { runId: string }) {
  const run = useRun(runId);
  if (run.error && run.data === undefined) {
    return (
      <div className="page">
        <h1>Result</h1>
        <Failure error={run.error} retry={() => void run.refetch()} />
        <p>
          <Link href="/">All runs are on the home page</Link>
        </p>
      </div>
    );
  }
  if (!run.data) {
    return (
      <div className="page">
        <Skeleton tall lines={6} />
      </div>
    );
  }
  return <Result run={run.data} />;
}

/** Closed round trips, as the figures count them, and those still open at the end. */
function roundTrips(run: RunDetail): string {
  const open = run.figures.find((figure) => figure.name === "open_trades")?.value ?? 0;
  const closed = `${format.number(run.n_trades - open, 0)} round trips`;
  return open > 0 ? `${closed}, ${format.number(open, 0)} open` : closed;
}

function Result({ run }: { run: RunDetail }) {
  const { query } = usePlace();
  const asked = query.get("view");
  const view: View = VIEWS.find(([key]) => key === asked)?.[0] ?? "overview";
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <p className="crumb">
            <Link href="/">Runs</Link> <span aria-hidden="true">/</span> <code>{run.run_id}</code>
          </p>
          <h1>{run.name}</h1>
          <p className="muted run-facts">
            <span>{run.kind}</span>
            <span>
              {format.date(run.start)} – {format.date(run.end)}
            </span>
            <span>{run.symbols.length} instruments</span>
            <span>{roundTrips(run)}</span>
            <span>
              {format.money(run.initial_cash, false, 0)} → {format.money(run.final_equity, false, 0)} {run.currency}
            </span>
          </p>
        </div>
        <div className="page-actions">
          <a className="button" href={`/api/v1/runs/${run.run_id}/report`} target="_blank" rel="noreferrer">
            <Icon name="out" size={15} /> Report
          </a>
          {run.can_trade_on_paper ? (
            <Link className="button button-primary" href={`/trade?source=${run.run_id}`}>
              <Icon name="trade" size={15} /> Send to paper
            </Link>
          ) : null}
        </div>
      </header>
      <Judgement run={run} />
      <Headline run={run} />
      <div className="tabs" role="tablist" aria-label="Views of the result">
        {VIEWS.map(([key, name]) => (
          <button
            key={key}
            role="tab"
            id={`tab-${key}`}
            aria-selected={view === key}
            aria-controls="run-view"
            onClick={() => setQuery({ view: key === "overview" ? null : key, trade: null }, false)}
          >
            {name}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="run-view" aria-labelledby={`tab-${view}`} className="run-view">
        {view === "overview" ? <Overview run={run} /> : null}
        {view === "trades" ? <RunTrades run={run} /> : null}
        {view === "validation" ? <Validation run={run} /> : null}
        {view === "costs" ? (
          <Analysed runId={run.run_id}>{(found) => <RunCosts run={run} analysis={found} />}</Analysed>
        ) : null}
        {view === "stress" ? (
          <Analysed runId={run.run_id}>
            {(found) => <RunStress runId={run.run_id} stress={found.stress ?? null} />}
          </Analysed>
        ) : null}
        {view === "attribution" ? (
          <Analysed runId={run.run_id}>{(found) => <Attribution analysis={found} />}</Analysed>
        ) : null}
        {view === "manifest" ? (
          <div className="stack">
            <Analysed runId={run.run_id}>{(found) => <Foundations analysis={found} />}</Analysed>
            <Manifest run={run} />
          </div>
        ) : null}
      </div>
    </div>
  );
}

/** The long part of a result, asked for when a view needs it. */
function Analysed({
  runId,
  children,
}: {
  runId: string;
  children: (found: Schemas["RunAnalysis"]) => React.ReactNode;
}) {
  const analysis = useRunAnalysis(runId);
  return (
    <Loaded query={analysis} skeleton={<Skeleton tall lines={3} />}>
      {children}
    </Loaded>
  );
}

const CHECK_ICON: Record<string, IconName> = { pass: "check", warn: "warn", fail: "cross", "not run": "dash" };

function Judgement({ run }: { run: RunDetail }) {
  const { judgement } = run;
  const look = verdictLook(judgement.word, run.status);
  return (
    <section className={`judgement judgement-${look.tone}`} aria-label="Verdict">
      <div className="judgement-word">
        <span className={`judgement-mark mark-${look.tone}`}>
          <Icon name={look.icon} size={22} />
        </span>
        <div>
          <h2>{look.text}</h2>
          <p>{judgement.sentence}</p>
          {judgement.cautions.length > 0 ? (
            <ul className="cautions">
              {judgement.cautions.map((text) => (
                <li key={text}>{text}</li>
              ))}
            </ul>
          ) : null}
        </div>
      </div>
      <ul className="checks" aria-label="What was checked">
        {judgement.checks.map((check) => (
          <li key={check.name} className={`check check-${check.state.replace(" ", "-")}`}>
            <span className="check-label">
              <Icon name={CHECK_ICON[check.state] ?? "dash"} size={14} />
              {check.label}
              <span className="sr-only">: {check.state}</span>
            </span>
            <span className="check-value">{check.value}</span>
            <span className="check-detail">{check.detail}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Headline({ run }: { run: RunDetail }) {
  const figures = HEADLINE.flatMap((name) => run.figures.filter((item) => item.name === name));
  if (!run.judgement.may_show_performance) {
    return (
      <Notice icon="warn" title="No performance is shown for this run">
        <p className="muted">{run.judgement.sentence}</p>
      </Notice>
    );
  }
  return (
    <section className="figures" aria-label="Headline figures">
      {figures.map((metric) => (
        <Figure key={metric.name} metric={metric} versus={format.shortName(run.benchmark_name)} />
      ))}
    </section>
  );
}

const RANGES = [
  ["all", "All", null],
  ["5y", "5 y", 5],
  ["3y", "3 y", 3],
  ["1y", "1 y", 1],
] as const;

function Overview({ run }: { run: RunDetail }) {
  const equity = useRunEquity(run.run_id);
  const [isLog, setIsLog] = useState(false);
  const [range, setRange] = useState<(typeof RANGES)[number][0]>("all");
  const years = RANGES.find(([key]) => key === range)?.[2] ?? null;
  return (
    <div className="overview">
      <Panel
        title="Equity and drawdown"
        note={run.currency}
        className="overview-chart"
        actions={
          <>
            <div className="segments" role="group" aria-label="Range">
              {RANGES.map(([key, name]) => (
                <button key={key} aria-pressed={range === key} onClick={() => setRange(key)}>
                  {name}
                </button>
              ))}
            </div>
            <button className="toggle" aria-pressed={isLog} onClick={() => setIsLog(!isLog)}>
              Log
            </button>
          </>
        }
      >
        <Loaded query={equity} skeleton={<Skeleton tall lines={0} />}>
          {(series) => (
            <Suspense fallback={<Skeleton tall lines={0} />}>
              <EquityChart
                series={series}
                outOfSample={run.out_of_sample}
                isLog={isLog}
                from={years === null ? null : yearsBefore(series.times.at(-1), years)}
              />
            </Suspense>
          )}
        </Loaded>
      </Panel>
      <FiguresPanel run={run} />
      <Panel title="Monthly returns" note="%, after costs" className="overview-months">
        {run.monthly.length > 0 ? (
          <MonthGrid monthly={run.monthly} />
        ) : (
          <Notice icon="dash" title="The run is shorter than a month" />
        )}
      </Panel>
    </div>
  );
}

function yearsBefore(moment: string | undefined, years: number): string | null {
  if (!moment) return null;
  return `${Number(moment.slice(0, 4)) - years}${moment.slice(4)}`;
}

function hasBenchmark(run: RunDetail, group: string): boolean {
  return run.figures.some((item) => item.group === group && item.benchmark !== null);
}

function FiguresPanel({ run }: { run: RunDetail }) {
  const groups = [...new Set(run.figures.map((item) => item.group))];
  return (
    <Panel title="Figures" note="hover or focus a name for its definition" className="overview-figures">
      <div className="metric-groups">
        {groups.map((group) => (
          <table key={group} className="metrics">
            <caption>{group}</caption>
            <thead className={hasBenchmark(run, group) ? "" : "sr-only"}>
              <tr>
                <th scope="col">
                  <span className="sr-only">Figure</span>
                </th>
                <th scope="col" className="right">
                  Strategy
                </th>
                {hasBenchmark(run, group) ? (
                  <th scope="col" className="right">
                    {format.shortName(run.benchmark_name)}
                  </th>
                ) : null}
              </tr>
            </thead>
            <tbody>
              {run.figures
                .filter((item) => item.group === group)
                .map((item) => (
                  <tr key={item.name}>
                    <th scope="row">
                      <MetricTerm metric={item} place="table" />
                    </th>
                    <td className="right">{format.inUnit(item.value, item.unit)}</td>
                    {hasBenchmark(run, group) ? (
                      <td className="right muted">
                        {item.benchmark === null ? "" : format.inUnit(item.benchmark, item.unit)}
                      </td>
                    ) : null}
                  </tr>
                ))}
            </tbody>
          </table>
        ))}
      </div>
    </Panel>
  );
}

function Validation({ run }: { run: RunDetail }) {
  return (
    <div className="stack">
      <Panel title="Walk-forward windows" note={run.windows.length ? `${run.windows.length} windows` : ""}>
        {run.windows.length > 0 ? (
          <WindowPlan windows={run.windows} />
        ) : (
          <Notice icon="dash" title="This run has no walk-forward windows">
            <p className="muted">Only a study learns; the rule of this run was taken as given.</p>
          </Notice>
        )}
      </Panel>
      <div className="pair">
        <FigureTable
          title="Controls"
          note="what the same machinery finds where there is nothing to find"
          table={run.controls}
          empty="No control was run"
        />
        <FigureTable
          title="Out-of-sample scores"
          note="on windows the model never saw"
          table={run.scores}
          empty="No model was scored"
        />
      </div>
      <FigureTable
        title="If it had started on another day"
        note="the same rules, later starts"
        table={run.start_sensitivity}
        empty="Start-date sensitivity was not computed"
      />
      {run.judgement.may_show_performance ? (
        <Analysed runId={run.run_id}>{(found) => <Luck analysis={found} />}</Analysed>
      ) : null}
    </div>
  );
}
