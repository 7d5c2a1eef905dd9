import { lazy, Suspense, useEffect, useRef } from "react";

import type { RunDetail, TradeRow } from "../api/client";
import { useRunBars, useRunTrades } from "../api/queries";
import * as format from "../format";
import { setQuery, usePlace } from "../state/router";
import { DataTable, type Column } from "../widgets/DataTable";
import { Failure, Notice, Panel, Skeleton } from "../widgets/Panel";
import { Change } from "../widgets/Value";

const Candles = lazy(() => import("../charts/Candles"));

const COLUMNS: readonly Column<TradeRow>[] = [
  {
    key: "symbol",
    head: "Symbol",
    sort: "symbol",
    cell: (trade) => <span className="symbol">{trade.symbol}</span>,
  },
  {
    key: "profit",
    head: "Profit",
    align: "right",
    sort: "profit",
    cell: (trade) => <Change value={trade.profit}>{format.money(trade.profit, true)}</Change>,
  },
  { key: "return", head: "Return", align: "right", sort: "return", cell: (trade) => format.percent(trade.return, 2, true) },
  { key: "side", head: "Side", cell: (trade) => trade.side.toLowerCase() },
  { key: "entry", head: "Entry", sort: "entry_at", cell: (trade) => format.date(trade.entry_at) },
  {
    key: "exit",
    head: "Exit",
    sort: "exit_at",
    cell: (trade) => (trade.is_open ? <span className="badge badge-plain">open</span> : format.date(trade.exit_at)),
  },
  { key: "in", head: "Entry price", align: "right", cell: (trade) => format.number(trade.entry_price) },
  { key: "out", head: "Exit price", align: "right", cell: (trade) => format.number(trade.exit_price) },
  { key: "qty", head: "Quantity", align: "right", cell: (trade) => format.quantity(trade.quantity), wideOnly: true },
  { key: "bars", head: "Bars", align: "right", sort: "bars_held", cell: (trade) => trade.bars_held, wideOnly: true },
  { key: "why", head: "Exit by", cell: (trade) => trade.exit_reason, wideOnly: true },
];

/** Trades in a table; the one chosen stands on its candles above. */
export function RunTrades({ run }: { run: RunDetail }) {
  const { query } = usePlace();
  const sort = query.get("sort") ?? "-entry_at";
  const symbol = query.get("symbol");
  const asked = query.get("trade");
  const trades = useRunTrades(run.run_id, sort, symbol);
  const rows = trades.data?.pages.flatMap((page) => page.items) ?? [];
  const chosen = asked === null ? undefined : rows.find((row) => String(row.number) === asked);
  const shown = chosen ?? rows[0];
  const chart = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (asked !== null) chart.current?.scrollIntoView({ block: "nearest", behavior: "auto" });
  }, [asked]);

  if (trades.error) return <Failure error={trades.error} retry={() => void trades.refetch()} />;
  if (trades.isPending) return <Skeleton tall lines={6} />;
  if (rows.length === 0) {
    return (
      <Notice icon="dash" title="This run made no trade">
        <p className="muted">Its signals never reached the threshold, or every order was denied; the manifest shows the settings.</p>
      </Notice>
    );
  }
  return (
    <div className="stack">
      <div ref={chart}>{shown ? <TradeChart runId={run.run_id} trade={shown} /> : null}</div>
      <Panel
        className="trade-list"
        title="Trades"
        note={`${format.number(run.n_trades, 0)} round trips; choose one to see it above`}
        actions={
          <label className="field field-inline">
            <span>Symbol</span>
            <select value={symbol ?? ""} onChange={(event) => setQuery({ symbol: event.target.value || null, trade: null })}>
              <option value="">All</option>
              {[...run.symbols].sort().map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        }
      >
        <DataTable
          label="Trades"
          columns={COLUMNS}
          rows={rows}
          rowKey={(trade) => String(trade.number)}
          selected={shown ? String(shown.number) : null}
          onOpen={(trade) => setQuery({ trade: String(trade.number) })}
          sort={sort}
          onSort={(next) => setQuery({ sort: next, trade: null })}
        />
        {trades.hasNextPage ? (
          <div className="more">
            <button className="button" onClick={() => void trades.fetchNextPage()} disabled={trades.isFetchingNextPage}>
              {trades.isFetchingNextPage ? "Loading" : "Show more"}
            </button>
          </div>
        ) : null}
      </Panel>
    </div>
  );
}

function TradeChart({ runId, trade }: { runId: string; trade: TradeRow }) {
  const bars = useRunBars(runId, trade.symbol, trade.number);
  return (
    <Panel
      title={
        <>
          <span className="symbol">{trade.symbol}</span> {trade.side.toLowerCase()},{" "}
          {format.longDate(trade.entry_at)} – {trade.is_open ? "still open" : format.longDate(trade.exit_at)}
        </>
      }
      label={`Trade ${trade.number} of ${trade.symbol} on its candles`}
      note={
        <>
          <Change value={trade.profit}>{format.money(trade.profit, true)}</Change> · {trade.bars_held} bars ·{" "}
          {trade.exit_reason}
        </>
      }
      className="trade-chart"
    >
      {bars.error && !bars.data ? <Failure error={bars.error} retry={() => void bars.refetch()} /> : null}
      {bars.data ? (
        <div className={bars.isPlaceholderData ? "is-stale" : ""} data-trade={bars.isPlaceholderData ? "" : trade.number}>
          <Suspense fallback={<Skeleton tall lines={0} />}>
            <Candles bars={bars.data} trade={bars.isPlaceholderData ? null : trade.number} />
          </Suspense>
          <p className="chart-key">
            <span className="key key-entry">Entry</span>
            <span className="key key-exit">Exit</span>
            {bars.data.lines.some((line) => line.kind === "stop") ? <span className="key key-stop">Stop</span> : null}
            {bars.data.lines.some((line) => line.kind === "target") ? (
              <span className="key key-target">Target</span>
            ) : null}
          </p>
        </div>
      ) : bars.isPending ? (
        <Skeleton tall lines={0} />
      ) : null}
    </Panel>
  );
}
