import { useState, type FormEvent } from "react";

import type { Schemas } from "../api/client";
import { useCancelJob, useJobs, usePaperSources, useRunSweep, useSweeps } from "../api/queries";
import * as format from "../format";
import { countSets, type Grid, readGrid } from "../state/grid";
import { go } from "../state/router";
import { DataTable, type Column } from "../widgets/DataTable";
import { Icon } from "../widgets/Icon";
import { Link } from "../widgets/Link";
import { Failure, Loaded, Panel } from "../widgets/Panel";

type Row = Schemas["SweepRow"];

/** Where to begin with each reference strategy. */
const FIRST_GRIDS: Record<string, string> = {
  sma_cross: "fast=5:40:5\nslow=50:200:10",
  mean_reversion: "window=10:60:10\nentry_z=1:3:0.5",
  momentum_top_n: "top_n=3,5,8\nlookback=63:252:63\nevery=5,21",
  allocation: "method=minimum_variance,risk_parity\nwindow=126,252",
  buy_and_hold: "weight=0.5,1",
};

/** Sweeps that are stored, the one that runs, and the way to begin one. */
export function SweepsPage() {
  const sweeps = useSweeps();
  return (
    <div className="page">
      <header className="page-head">
        <h1>Sweeps</h1>
      </header>
      <Running />
      <Begin />
      <Panel title="Stored sweeps" note="newest first">
        <Loaded query={sweeps}>
          {(page) =>
            page.items.length === 0 ? (
              <p className="muted card-pad">None yet. A sweep shows where an idea works, and how wide the good place is.</p>
            ) : (
              <DataTable
                label="Stored sweeps, newest first"
                columns={COLUMNS}
                rows={page.items}
                rowKey={(row) => row.sweep_id}
                onOpen={(row) => go(`/sweeps/${row.sweep_id}`)}
              />
            )
          }
        </Loaded>
      </Panel>
    </div>
  );
}

const COLUMNS: readonly Column<Row>[] = [
  {
    key: "title",
    head: "Sweep",
    cell: (row) => (
      <Link href={`/sweeps/${row.sweep_id}`} className="row-link" onClick={(event) => event.stopPropagation()}>
        {row.title}
      </Link>
    ),
  },
  { key: "parameters", head: "Parameters", cell: (row) => row.parameters.join(", ") },
  { key: "sets", head: "Sets", align: "right", cell: (row) => format.number(row.sets, 0) },
  { key: "sharpe", head: "Best Sharpe", align: "right", cell: (row) => format.number(row.best_sharpe) },
  { key: "stability", head: "Stability", align: "right", cell: (row) => format.percent(row.best_stability, 0) },
  { key: "overfitting", head: "Overfitting", align: "right", cell: (row) => format.number(row.overfitting) },
  {
    key: "data",
    head: "Data",
    cell: (row) => (row.symbols.length > 3 ? `${row.symbols.length} instruments` : row.symbols.join(", ")),
    wideOnly: true,
  },
  { key: "when", head: "When (UTC)", cell: (row) => format.dateTime(row.created_at), wideOnly: true },
];

/** The sweep that runs: how far it is, how long it will take, and the way to stop it. */
function Running() {
  const jobs = useJobs();
  const cancel = useCancelJob();
  const job = jobs.data?.items.find((each) => each.kind === "sweep");
  if (!job) return null;
  if (job.status === "FAILED") {
    return (
      <section className="job job-failed" role="alert">
        <Icon name="warn" size={18} />
        <div>
          <strong>{job.name} failed</strong>
          <p>{job.error}</p>
        </div>
      </section>
    );
  }
  if (job.status === "COMPLETED" && job.result_url) {
    return (
      <section className="job job-done" role="status">
        <Icon name="check" size={18} />
        <span>
          <strong>{job.name}</strong> is done. <Link href={job.result_url}>Look at it</Link>
        </span>
      </section>
    );
  }
  if (job.status !== "QUEUED" && job.status !== "RUNNING") return null;
  return (
    <section className="job" aria-label="Sweep in progress">
      <div className="job-text">
        <strong>{job.name}</strong> <span>{job.message}</span>
        <span className="job-end">
          {format.percent(job.progress, 0)}
          {job.eta_s ? ` · about ${format.duration(job.eta_s)} left` : ""}
        </span>
      </div>
      <progress max={1} value={job.progress} aria-label={`${job.name}: ${job.message}`} />
      <button className="button button-quiet" onClick={() => cancel.mutate(job.job_id)} disabled={cancel.isPending}>
        <Icon name="stop" size={14} /> Cancel
      </button>
    </section>
  );
}

function Begin() {
  const sources = usePaperSources();
  const start = useRunSweep();
  const names = (sources.data ?? []).filter((row) => row.kind === "strategy").map((row) => row.name);
  const [strategy, setStrategy] = useState("sma_cross");
  const [grid, setGrid] = useState(FIRST_GRIDS["sma_cross"] ?? "");
  const [symbols, setSymbols] = useState("");
  const [search, setSearch] = useState<"grid" | "random" | "optuna">("grid");
  const [trials, setTrials] = useState("50");
  const read = tried(grid);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (typeof read === "string") return;
    start.mutate({
      strategy,
      grid: read,
      search,
      trials: Number(trials),
      data: "sample",
      symbols: symbols.split(/[\s,]+/).filter(Boolean),
      cash: 100_000,
      resume: false,
    });
  };

  return (
    <Panel title="Try parameters" note="every set counts as a trial of the verdict" className="start">
      <form className="sweep-form" onSubmit={submit}>
        <label className="field">
          <span>Strategy</span>
          <select value={strategy} onChange={(event) => {
              setStrategy(event.target.value);
              setGrid(FIRST_GRIDS[event.target.value] ?? "");
            }}>
            {(names.length > 0 ? names : [strategy]).map((name) => (
              <option key={name} value={name}>
                {name.replaceAll("_", " ")}
              </option>
            ))}
          </select>
        </label>
        <label className="field field-grid">
          <span>Values, one parameter a line</span>
          <textarea
            rows={3}
            spellCheck={false}
            value={grid}
            aria-describedby="grid-hint"
            aria-invalid={typeof read === "string"}
            onChange={(event) => setGrid(event.target.value)}
          />
        </label>
        <label className="field">
          <span>Symbols, such as KO, AAPL; all if empty</span>
          <input value={symbols} onChange={(event) => setSymbols(event.target.value)} />
        </label>
        <label className="field">
          <span>Search</span>
          <select value={search} onChange={(event) => setSearch(event.target.value as typeof search)}>
            <option value="grid">all sets</option>
            <option value="random">at random</option>
            <option value="optuna">by a search that learns</option>
          </select>
        </label>
        {search === "grid" ? null : (
          <label className="field">
            <span>Trials</span>
            <input inputMode="numeric" pattern="[1-9][0-9]*" value={trials} onChange={(event) => setTrials(event.target.value)} />
          </label>
        )}
        <button className="button button-primary" disabled={start.isPending || typeof read === "string"}>
          <Icon name="play" size={15} /> {start.isPending ? "Starting" : "Start the sweep"}
        </button>
      </form>
      <p className={`hint ${typeof read === "string" ? "down" : "muted"}`} id="grid-hint">
        {typeof read === "string" ? read : `${format.number(countSets(read), 0)} sets. Ranges are fast=5:40:5, lists fast=5,10,20.`}
      </p>
      {start.error ? <Failure error={start.error} /> : null}
    </Panel>
  );
}

function tried(text: string): Grid | string {
  try {
    return readGrid(text);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
