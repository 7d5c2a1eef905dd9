import { lazy, Suspense, useEffect, useState } from "react";

import type { Schemas } from "../api/client";
import { useJobs, useRunSweepSet, useSweep } from "../api/queries";
import * as format from "../format";
import { go } from "../state/router";
import { DataTable, type Column } from "../widgets/DataTable";
import { Icon } from "../widgets/Icon";
import { Link } from "../widgets/Link";
import { Failure, Panel, Skeleton } from "../widgets/Panel";
import { Change } from "../widgets/Value";

const SweepHeat = lazy(() => import("../charts/SweepHeat"));
const SweepParallel = lazy(() => import("../charts/SweepParallel"));

type Sweep = Schemas["SweepDetail"];
type Row = Sweep["rows"][number];

const SHOWN = 20;

export function SweepPage({ sweepId }: { sweepId: string }) {
  const sweep = useSweep(sweepId);
  if (sweep.error && sweep.data === undefined) {
    return (
      <div className="page">
        <h1>Sweep</h1>
        <Failure error={sweep.error} retry={() => void sweep.refetch()} />
        <p>
          <Link href="/sweeps">All sweeps</Link>
        </p>
      </div>
    );
  }
  if (!sweep.data) {
    return (
      <div className="page">
        <Skeleton tall lines={6} />
      </div>
    );
  }
  return <Found sweep={sweep.data} />;
}

function Found({ sweep }: { sweep: Sweep }) {
  const [picked, setPicked] = useState<string | null>(null);
  const [count, setCount] = useState(SHOWN);
  const names = Object.keys(sweep.axes);
  const chosen = sweep.rows.find((row) => keyOf(row) === picked) ?? sweep.rows[0] ?? null;
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <p className="crumb">
            <Link href="/sweeps">Sweeps</Link> <span aria-hidden="true">/</span> <code>{sweep.sweep_id}</code>
          </p>
          <h1>{sweep.title}</h1>
          <p className="muted run-facts">
            <span>{sweep.symbols.length > 4 ? `${sweep.symbols.length} instruments` : sweep.symbols.join(", ")}</span>
            <span>
              {sweep.first_day} – {sweep.last_day}
            </span>
            <span>
              {format.number(sweep.sets, 0)} sets of {names.join(", ")}
            </span>
            <span>{sweep.search}</span>
          </p>
        </div>
        <div className="page-actions">
          <a className="button" href={`/api/v1/sweeps/${sweep.sweep_id}/report`} target="_blank" rel="noreferrer">
            <Icon name="out" size={15} /> Report
          </a>
        </div>
      </header>
      <Headline sweep={sweep} />
      {chosen ? <Chosen sweep={sweep} row={chosen} /> : null}
      {names.length > 1 ? <Heat sweep={sweep} onPick={(row) => setPicked(row)} /> : null}
      <Panel title="Parallel coordinates" note="blue: the best tenth; thick: the chosen set; drag on an axis to narrow">
        <Suspense fallback={<Skeleton tall lines={0} />}>
          <SweepParallel sweep={sweep} chosen={chosen} />
        </Suspense>
      </Panel>
      <Panel title="Sets" note={`${Math.min(count, sweep.rows.length)} of ${sweep.rows.length}, highest Sharpe first`}>
        <DataTable
          label="Sets, highest Sharpe ratio first"
          columns={columnsOf(names)}
          rows={sweep.rows.slice(0, count)}
          rowKey={keyOf}
          selected={chosen ? keyOf(chosen) : null}
          onOpen={(row) => setPicked(keyOf(row))}
        />
        {count < sweep.rows.length ? (
          <button className="button button-quiet more" onClick={() => setCount(count + 100)}>
            Show more
          </button>
        ) : null}
      </Panel>
      {sweep.failures.length > 0 ? <Failures sweep={sweep} /> : null}
    </div>
  );
}

function Headline({ sweep }: { sweep: Sweep }) {
  const figures: [string, string, string][] = [
    ["Best Sharpe", format.number(sweep.best_sharpe), "of all sets; of many, the luckiest too"],
    ["Its stability", format.percent(sweep.best_stability, 0), "share that its neighbours keep"],
    ["Luck alone", format.number(sweep.luck), `best Sharpe of ${format.number(sweep.counted, 0)} trials without skill`],
    ["Overfitting", format.number(sweep.overfitting), "probability; 0.20 or less wanted"],
    ["Beats holding", sweep.spa === null ? "–" : `p = ${format.number(sweep.spa, 3)}`, "SPA over all sets"],
  ];
  return (
    <div className="figures figures-sweep">
      {figures.map(([name, value, note]) => (
        <div key={name} className="figure">
          <div className="figure-name">{name}</div>
          <div className="figure-value">{value}</div>
          <div className="figure-versus">{note}</div>
        </div>
      ))}
    </div>
  );
}

/** The chosen set, and the way to its full result. */
function Chosen({ sweep, row }: { sweep: Sweep; row: Row }) {
  const run = useRunSweepSet(sweep.sweep_id);
  const jobs = useJobs();
  const job = jobs.data?.items.find((each) => each.job_id === run.data?.job_id);
  const isBusy = run.isPending || job?.status === "QUEUED" || job?.status === "RUNNING";
  useEffect(() => {
    if (job?.status === "COMPLETED" && job.result_url) go(job.result_url);
  }, [job?.status, job?.result_url]);
  return (
    <Panel
      title={named(row)}
      note="the chosen set"
      className="chosen-set"
      actions={
        <button
          className="button button-primary"
          disabled={isBusy || !sweep.can_run}
          title={sweep.can_run ? undefined : "Its bars came from a file: run it from the command line"}
          onClick={() => run.mutate(row.parameters as Record<string, string | number | boolean>)}
        >
          <Icon name="play" size={15} /> {isBusy ? "Running" : "See its run"}
        </button>
      }
    >
      <dl className="facts-line">
        <Fact name="Sharpe" value={format.number(row.sharpe)} />
        <Fact name="Return" value={format.percent(row.total_return, 1, true)} />
        <Fact name="Max drawdown" value={format.percent(row.max_drawdown, 1)} />
        <Fact name="Trades" value={format.number(row.trades, 0)} />
        <Fact name="Neighbours' Sharpe" value={`${format.number(row.neighbour_sharpe)} over ${row.neighbours}`} />
        <Fact name="Stability" value={format.percent(row.stability, 0)} />
        <Fact name="Plateau" value={format.number(row.plateau)} />
      </dl>
      {run.error ? <Failure error={run.error} /> : null}
      {job?.status === "FAILED" ? <p className="down">{job.error}</p> : null}
    </Panel>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Heat({ sweep, onPick }: { sweep: Sweep; onPick: (key: string) => void }) {
  const names = Object.keys(sweep.axes);
  const [x, setX] = useState(names[0] ?? "");
  const [y, setY] = useState(names[1] ?? "");
  const others = names.filter((name) => name !== x && name !== y);
  const note = others.length > 0 ? `Sharpe ratio, the mean over ${others.join(", ")}` : "Sharpe ratio; a cell chooses its set";
  return (
    <Panel
      title="Heat map"
      note={note}
      actions={
        names.length > 2 ? (
          <span className="heat-axes">
            <Axis label="Across" names={names.filter((name) => name !== y)} value={x} onChange={setX} />
            <Axis label="Up" names={names.filter((name) => name !== x)} value={y} onChange={setY} />
          </span>
        ) : null
      }
    >
      <Suspense fallback={<Skeleton tall lines={0} />}>
        <SweepHeat sweep={sweep} x={x} y={y} onPick={(parameters) => onPick(JSON.stringify(parameters))} />
      </Suspense>
    </Panel>
  );
}

interface AxisProps {
  label: string;
  names: readonly string[];
  value: string;
  onChange: (name: string) => void;
}

function Axis({ label, names, value, onChange }: AxisProps) {
  return (
    <label className="field field-inline">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

function Failures({ sweep }: { sweep: Sweep }) {
  return (
    <Panel title="Failed" note={`${sweep.failures.length} sets have no figures`}>
      <DataTable
        label="Failed sets"
        columns={[
          { key: "set", head: "Set", cell: (row) => named(row) },
          { key: "cause", head: "Cause", cell: (row) => row.cause },
        ]}
        rows={sweep.failures}
        rowKey={(row) => JSON.stringify(row.parameters)}
      />
    </Panel>
  );
}

function columnsOf(names: readonly string[]): readonly Column<Row>[] {
  return [
    ...names.map(
      (name): Column<Row> => ({ key: name, head: name, align: "right", cell: (row) => String(row.parameters[name] ?? "–") }),
    ),
    { key: "sharpe", head: "Sharpe", align: "right", cell: (row) => format.number(row.sharpe) },
    {
      key: "return",
      head: "Return",
      align: "right",
      cell: (row) => <Change value={row.total_return}>{format.percent(row.total_return, 1, true)}</Change>,
    },
    { key: "drawdown", head: "Max drawdown", align: "right", cell: (row) => format.percent(row.max_drawdown, 1) },
    { key: "trades", head: "Trades", align: "right", cell: (row) => format.number(row.trades, 0) },
    { key: "stability", head: "Stability", align: "right", cell: (row) => format.percent(row.stability, 0) },
    { key: "plateau", head: "Plateau", align: "right", cell: (row) => format.number(row.plateau), wideOnly: true },
  ];
}

const keyOf = (row: Row): string => JSON.stringify(row.parameters);

function named(row: { parameters: Record<string, unknown> }): string {
  return Object.entries(row.parameters)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(", ");
}
