import { useMutationState } from "@tanstack/react-query";

import type { Job, RunRow } from "../api/client";
import {
  useCancelJob,
  useDataOverview,
  useJobs,
  usePaper,
  useRunEquity,
  useRuns,
  useRunStudy,
} from "../api/queries";
import * as format from "../format";
import { go } from "../state/router";
import { VerdictBadge } from "../widgets/Badge";
import { DataTable, type Column } from "../widgets/DataTable";
import { Icon } from "../widgets/Icon";
import { Link } from "../widgets/Link";
import { Failure, Loaded, Panel, Skeleton } from "../widgets/Panel";
import { Spark } from "../widgets/Spark";
import { Change } from "../widgets/Value";

export function Home() {
  const runs = useRuns();
  const newest = runs.data?.items.find((run) => run.status === "COMPLETED" && run.kind !== "paper");
  return (
    <div className="page">
      <header className="page-head">
        <h1>Overview</h1>
        <RunDemo isPrimary={newest === undefined} />
      </header>
      <JobLine />
      <Loaded query={runs} skeleton={<HomeSkeleton />}>
        {(page) =>
          page.items.length === 0 ? (
            <FirstSteps />
          ) : (
            <div className="home-grid">
              <div className="home-main">
                {newest ? <Latest run={newest} /> : null}
                <Panel title="Runs" note={`${page.items.length}${page.next_cursor ? "+" : ""}, newest first`}>
                  <DataTable
                    label="Runs, newest first"
                    columns={RUN_COLUMNS}
                    rows={page.items}
                    rowKey={(run) => run.run_id}
                    onOpen={(run) => go(`/runs/${run.run_id}`)}
                  />
                </Panel>
              </div>
              <div className="home-side">
                <PaperCard runId={newest?.kind === "study" ? newest.run_id : undefined} />
                <DataCard />
              </div>
            </div>
          )
        }
      </Loaded>
    </div>
  );
}

const figure = (run: RunRow, name: string): number | null => run.metrics[name] ?? null;

const RUN_COLUMNS: readonly Column<RunRow>[] = [
  {
    key: "name",
    head: "Run",
    cell: (run) => (
      <Link href={`/runs/${run.run_id}`} className="row-link" onClick={(event) => event.stopPropagation()}>
        {run.name}
      </Link>
    ),
  },
  { key: "verdict", head: "Verdict", cell: (run) => <VerdictBadge word={run.verdict} status={run.status} /> },
  {
    key: "return",
    head: "Return",
    align: "right",
    cell: (run) => (
      <Change value={figure(run, "total_return")}>{format.percent(figure(run, "total_return"), 1, true)}</Change>
    ),
  },
  { key: "sharpe", head: "Sharpe", align: "right", cell: (run) => format.number(figure(run, "sharpe")) },
  {
    key: "drawdown",
    head: "Max drawdown",
    align: "right",
    cell: (run) => format.percent(figure(run, "max_drawdown"), 1),
  },
  { key: "trades", head: "Trades", align: "right", cell: (run) => format.number(figure(run, "trades"), 0) },
  { key: "kind", head: "Kind", cell: (run) => run.kind, wideOnly: true },
  { key: "when", head: "When (UTC)", cell: (run) => format.dateTime(run.created_at), wideOnly: true },
];

function Latest({ run }: { run: RunRow }) {
  const equity = useRunEquity(run.run_id);
  const keys: [string, string][] = [
    ["Return a year", format.percent(figure(run, "annual_return"), 2, true)],
    ["Sharpe", format.number(figure(run, "sharpe"))],
    ["Max drawdown", format.percent(figure(run, "max_drawdown"), 1)],
    ["Volatility", format.percent(figure(run, "annual_volatility"), 1)],
  ];
  const total = figure(run, "total_return");
  return (
    <Panel
      title="Latest result"
      note={format.ago(run.created_at)}
      className="latest"
      actions={
        <Link className="button button-quiet" href={`/runs/${run.run_id}`}>
          Open <Icon name="right" size={14} />
        </Link>
      }
    >
      <div className="latest-head">
        <div>
          <p className="latest-name">
            <Link href={`/runs/${run.run_id}`}>{run.name}</Link>
          </p>
          <VerdictBadge word={run.verdict} status={run.status} />
        </div>
        <p className="latest-total">
          <Change value={total}>{format.percent(total, 1, true)}</Change>
          <span className="muted">total, after costs</span>
        </p>
      </div>
      <Loaded query={equity} skeleton={<Skeleton tall lines={0} />}>
        {(series) => (
          <figure className="latest-chart">
            <Spark
              values={series.equity}
              versus={series.benchmark}
              label={`Equity against ${series.benchmark_name}`}
              height={168}
            />
            <figcaption>
              <span>{format.date(series.times[0])}</span>
              <span className="key key-main">Strategy</span>
              <span className="key key-versus" title={series.benchmark_name}>
                {format.shortName(series.benchmark_name)}
              </span>
              <span>{format.date(series.times.at(-1))}</span>
            </figcaption>
          </figure>
        )}
      </Loaded>
      <dl className="strip">
        {keys.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

function PaperCard({ runId }: { runId: string | undefined }) {
  const paper = usePaper();
  return (
    <Panel
      title="Paper account"
      actions={
        <Link className="button button-quiet" href="/trade">
          Trade <Icon name="right" size={14} />
        </Link>
      }
    >
      <Loaded query={paper}>
        {(status) =>
          status.state === "IDLE" ? (
            <div className="card-empty">
              <p className="muted">Nothing trades on paper. The same strategy runs there as in the test, with simulated money.</p>
              <Link className="button" href={runId ? `/trade?source=${runId}` : "/trade"}>
                <Icon name="play" size={15} /> Start on paper
              </Link>
            </div>
          ) : (
            <dl className="pairs">
              <div>
                <dt>State</dt>
                <dd>
                  <span className={`state state-${status.state.toLowerCase()}`}>{status.state}</span>
                </dd>
              </div>
              <div>
                <dt>Equity, {status.currency}</dt>
                <dd>{format.money(status.equity)}</dd>
              </div>
              <div>
                <dt>Profit</dt>
                <dd>
                  <Change value={status.profit}>
                    {format.money(status.profit, true)} ({format.percent(status.return, 2, true)})
                  </Change>
                </dd>
              </div>
              <div>
                <dt>Positions</dt>
                <dd>{status.positions}</dd>
              </div>
            </dl>
          )
        }
      </Loaded>
    </Panel>
  );
}

function DataCard() {
  const data = useDataOverview();
  return (
    <Panel title="Market data">
      <Loaded query={data}>
        {(overview) =>
          overview.symbols === 0 ? (
            <p className="muted card-pad">
              No bars are stored yet; <code>tradewright data fetch</code> loads some.
            </p>
          ) : (
            <>
              <dl className="pairs">
                <div>
                  <dt>Symbols</dt>
                  <dd>{overview.symbols}</dd>
                </div>
                <div>
                  <dt>Bars</dt>
                  <dd>{format.number(overview.rows, 0)}</dd>
                </div>
                <div>
                  <dt>Range</dt>
                  <dd>
                    {format.date(overview.first)} – {format.date(overview.last)}
                  </dd>
                </div>
                <div>
                  <dt>Source</dt>
                  <dd>{overview.is_sample ? "embedded sample" : overview.sources.join(", ")}</dd>
                </div>
              </dl>
              <ul className="sectors" aria-label="Symbols by sector">
                {overview.sectors.slice(0, 6).map((item) => (
                  <li key={item.sector}>
                    <span>{item.sector}</span>
                    <meter min={0} max={overview.sectors[0]?.symbols ?? 1} value={item.symbols} aria-label={`${item.sector}: ${item.symbols}`} />
                    <span>{item.symbols}</span>
                  </li>
                ))}
              </ul>
            </>
          )
        }
      </Loaded>
    </Panel>
  );
}

const ACTIVE = ["QUEUED", "RUNNING", "VALIDATING"];

function RunDemo({ isPrimary }: { isPrimary: boolean }) {
  const start = useRunStudy();
  const jobs = useJobs();
  const isBusy = jobs.data?.items.some((job) => job.kind === "study" && ACTIVE.includes(job.status)) ?? false;
  return (
    <button
      className={`button ${isPrimary ? "button-primary" : ""}`}
      disabled={start.isPending || isBusy}
      onClick={() => start.mutate("demo")}
    >
      <Icon name="play" size={15} /> {isBusy ? "Demo is running" : isPrimary ? "Run the demo" : "Run the demo again"}
    </button>
  );
}

/** The newest job: its progress while it runs, its fate when it failed. */
function JobLine() {
  const jobs = useJobs();
  const cancel = useCancelJob();
  const failed = useMutationState({ filters: { status: "error" }, select: (item) => item.state.error }).at(-1);
  const job = jobs.data?.items[0];
  if (!job) return failed ? <Failure error={failed} /> : null;
  if (ACTIVE.includes(job.status)) {
    return (
      <section className="job" aria-label="Job in progress">
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
  return <JobEnd job={job} />;
}

function JobEnd({ job }: { job: Job }) {
  if (job.status === "FAILED") {
    return (
      <section className="job job-failed" role="alert">
        <Icon name="warn" size={18} />
        <div>
          <strong>
            {job.name} {job.cause === "refused" ? "was refused" : "failed"}
          </strong>
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
          <strong>{job.name}</strong> is done. <Link href={job.result_url}>See the result</Link>
        </span>
      </section>
    );
  }
  return null;
}

function FirstSteps() {
  return (
    <div className="steps">
      <div className="step">
        <span className="step-number">1</span>
        <h2>Run the demo</h2>
        <p>
          Real daily bars of 32 instruments become features, a model checked on windows it never saw, a backtest with
          costs, and a plain verdict. It takes a minute or two.
        </p>
        <RunDemo isPrimary />
      </div>
      <div className="step">
        <span className="step-number">2</span>
        <h2>Load your own data</h2>
        <p>Fetch from Yahoo Finance or import a CSV file; every row is checked before it is stored.</p>
        <code className="command">tradewright data import prices.csv</code>
      </div>
      <div className="step">
        <span className="step-number">3</span>
        <h2>Trade on paper</h2>
        <p>The strategy of a finished run trades on a simulated account, bar by bar, before your eyes.</p>
        <Link className="button" href="/trade">
          Open the paper account
        </Link>
      </div>
    </div>
  );
}

function HomeSkeleton() {
  return (
    <div className="home-grid">
      <div className="panel latest">
        <Skeleton tall lines={3} />
      </div>
      <div className="home-side">
        <div className="panel">
          <Skeleton lines={4} />
        </div>
        <div className="panel">
          <Skeleton lines={5} />
        </div>
      </div>
    </div>
  );
}
