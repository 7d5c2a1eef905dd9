import { lazy, Suspense, useEffect, useState } from "react";

import type { PaperFill, PaperOrder, PaperPosition, PaperStatus } from "../api/client";
import {
  type PaperAct,
  usePaper,
  usePaperAct,
  usePaperEquity,
  usePaperFills,
  usePaperOrders,
  usePaperPositions,
} from "../api/queries";
import * as format from "../format";
import { useLive } from "../live/useLive";
import { DataTable, type Column } from "../widgets/DataTable";
import { Dialog } from "../widgets/Dialog";
import { Icon } from "../widgets/Icon";
import { Failure, Loaded, Notice, Panel, Skeleton } from "../widgets/Panel";
import { Change } from "../widgets/Value";
import { RiskPanel } from "./RiskPanel";
import { StartForm } from "./StartForm";

const LiveEquity = lazy(() => import("../charts/LiveEquity"));

const STALE_MS = 10_000;

/** Whether what is shown may be old: the stream is lost for longer than people would notice. */
function useStale(): boolean {
  const live = useLive();
  const [isStale, setIsStale] = useState(false);
  useEffect(() => {
    if (live.state === "open") {
      setIsStale(false);
      return;
    }
    const timer = window.setTimeout(() => setIsStale(true), STALE_MS);
    return () => window.clearTimeout(timer);
  }, [live.state]);
  return isStale;
}

export function TradePage() {
  const paper = usePaper();
  const isStale = useStale();
  const isActive = ["RUNNING", "PAUSED", "STARTING"].includes(paper.data?.state ?? "");
  const [wantsNew, setWantsNew] = useState(false);
  return (
    <div className={`page ${isStale ? "is-stale" : ""}`}>
      <header className="page-head">
        <div>
          <h1>Paper account</h1>
          {paper.data && paper.data.state !== "IDLE" ? <SessionFacts status={paper.data} /> : null}
        </div>
        {isActive && paper.data ? <Levers status={paper.data} isLocked={paper.error !== null} /> : null}
        {!isActive && paper.data && paper.data.state !== "IDLE" && !wantsNew ? (
          <div className="page-actions">
            {paper.data.is_interrupted ? <GoOn /> : null}
            <button className="button button-primary" onClick={() => setWantsNew(true)}>
              <Icon name="play" size={15} /> New session
            </button>
          </div>
        ) : null}
      </header>
      <StreamNotice isStale={isStale} />
      {paper.error && paper.data ? <Failure error={paper.error} retry={() => void paper.refetch()} /> : null}
      <Loaded query={paper} skeleton={<Skeleton tall lines={5} />}>
        {(status) => (
          <>
            {status.state === "IDLE" || (wantsNew && !isActive) ? (
              <StartForm isLocked={paper.error !== null} onStarted={() => setWantsNew(false)} />
            ) : null}
            {status.state === "IDLE" ? null : <Account status={status} />}
          </>
        )}
      </Loaded>
    </div>
  );
}

function StreamNotice({ isStale }: { isStale: boolean }) {
  const live = useLive();
  if (live.state !== "lost") return null;
  return (
    <div className="reconnecting" role="status">
      <Icon name="retry" size={15} />
      Reconnecting to the live stream.{" "}
      {isStale ? "The values below may be old; the page asks for new ones every few seconds." : ""}
    </div>
  );
}

function SessionFacts({ status }: { status: PaperStatus }) {
  return (
    <p className="muted run-facts">
      <span className={`state state-${status.state.toLowerCase()}`}>{status.state}</span>
      <span>{status.name}</span>
      <span>
        {status.feed === "REPLAY" ? "replay" : "live market"} at {format.date(status.tape_at)}
      </span>
      <span>{status.speed === null ? "as fast as possible" : `${format.number(status.speed, 0)} bars/s`}</span>
    </p>
  );
}

function Levers({ status, isLocked }: { status: PaperStatus; isLocked: boolean }) {
  const act = usePaperAct();
  const [asks, setAsks] = useState<"flatten" | "stop" | null>(null);
  const isPaused = status.state === "PAUSED";
  const send = (what: PaperAct): void => {
    setAsks(null);
    act.mutate(what);
  };
  return (
    <div className="page-actions">
      <button
        className="button"
        disabled={act.isPending || isLocked}
        onClick={() => send(isPaused ? "resume" : "pause")}
      >
        <Icon name={isPaused ? "play" : "pause"} size={15} /> {isPaused ? "Resume" : "Pause"}
      </button>
      <button className="button button-danger" disabled={act.isPending || isLocked} onClick={() => setAsks("flatten")}>
        <Icon name="flatten" size={15} /> Flatten
      </button>
      <button className="button" disabled={act.isPending || isLocked} onClick={() => setAsks("stop")}>
        <Icon name="stop" size={15} /> Stop
      </button>
      {act.error ? <Failure error={act.error} /> : null}
      {asks ? <Confirm what={asks} status={status} onClose={() => setAsks(null)} onConfirm={() => send(asks)} /> : null}
    </div>
  );
}

/** Goes on with a session whose process ended in the middle. */
function GoOn() {
  const act = usePaperAct();
  return (
    <>
      <button className="button" disabled={act.isPending} onClick={() => act.mutate("resume")}>
        <Icon name="retry" size={15} /> Go on where it stopped
      </button>
      {act.error ? <Failure error={act.error} /> : null}
    </>
  );
}

interface ConfirmProps {
  what: "flatten" | "stop";
  status: PaperStatus;
  onClose: () => void;
  onConfirm: () => void;
}

/** Asks once, with the effect in numbers. */
function Confirm({ what, status, onClose, onConfirm }: ConfirmProps) {
  const positions = usePaperPositions().data ?? [];
  const value = positions.reduce((sum, row) => sum + Math.abs(Number(row.value)), 0);
  const count = positions.length;
  const isFlatten = what === "flatten";
  return (
    <Dialog title={isFlatten ? "Flatten the PAPER account?" : "Stop the PAPER session?"} onClose={onClose}>
      {isFlatten ? (
        <p>
          This cancels <b>{status.open_orders}</b> open {status.open_orders === 1 ? "order" : "orders"} and closes{" "}
          <b>{count}</b> {count === 1 ? "position" : "positions"} worth{" "}
          <b>
            {format.money(value)} {status.currency}
          </b>{" "}
          at the next open. Entries stay paused afterwards.
        </p>
      ) : (
        <p>
          The session ends with <b>{count}</b> open {count === 1 ? "position" : "positions"} and an equity of{" "}
          <b>
            {format.money(status.equity)} {status.currency}
          </b>
          . Its record stays.
        </p>
      )}
      <div className="dialog-actions">
        <button className="button" onClick={onClose}>
          Cancel
        </button>
        <button className={`button ${isFlatten ? "button-danger" : "button-primary"}`} onClick={onConfirm} autoFocus>
          {isFlatten ? `Flatten PAPER: close ${count}` : "Stop PAPER session"}
        </button>
      </div>
    </Dialog>
  );
}

function Account({ status }: { status: PaperStatus }) {
  return (
    <div className="trade-grid">
      <section className="figures figures-paper" aria-label="Account">
        <PaperFigure name={`Equity, ${status.currency}`} value={format.money(status.equity)} />
        <PaperFigure
          name="Profit"
          value={
            <Change value={status.profit}>
              {format.money(status.profit, true)} <small>{format.percent(status.return, 2, true)}</small>
            </Change>
          }
        />
        <PaperFigure name="Cash" value={format.money(status.cash)} />
        <PaperFigure name="Exposure" value={format.percent(status.exposure, 1)} />
        <PaperFigure name="Market date" value={format.date(status.tape_at)} />
      </section>
      {status.feed === "REPLAY" && status.progress !== null ? (
        <progress className="tape" max={1} value={status.progress} aria-label="Share of the tape played" />
      ) : null}
      {status.state === "FAILED" ? <Notice icon="warn" title={status.message || "The session failed"} /> : null}
      {status.state === "STOPPED" && status.message ? <Notice icon="dash" title={sentence(status.message)} /> : null}
      {status.state === "FINISHED" ? (
        <Notice icon="check" title={status.message || "The tape is at its end; the session is over"} />
      ) : null}
      <EquityPanel />
      <RiskPanel />
      <Positions />
      <Orders />
      <Fills />
    </div>
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function PaperFigure({ name, value }: { name: string; value: React.ReactNode }) {
  return (
    <div className="figure">
      <div className="figure-name">{name}</div>
      <div className="figure-value">{value}</div>
    </div>
  );
}

function EquityPanel() {
  const equity = usePaperEquity();
  return (
    <Panel title="Equity" note={equity.data?.currency} className="trade-equity">
      <Loaded query={equity} skeleton={<Skeleton tall lines={0} />}>
        {(series) =>
          series.times.length > 1 ? (
            <Suspense fallback={<Skeleton tall lines={0} />}>
              <LiveEquity key={series.times[0]} series={series} />
            </Suspense>
          ) : (
            <Notice icon="dash" title="Waiting for the first bars" />
          )
        }
      </Loaded>
    </Panel>
  );
}

const POSITIONS: readonly Column<PaperPosition>[] = [
  { key: "symbol", head: "Symbol", cell: (row) => <span className="symbol">{row.symbol}</span> },
  {
    key: "profit",
    head: "Unrealised",
    align: "right",
    cell: (row) => <Change value={row.unrealised}>{format.money(row.unrealised, true)}</Change>,
  },
  { key: "qty", head: "Quantity", align: "right", cell: (row) => format.quantity(row.quantity) },
  { key: "cost", head: "Avg. cost", align: "right", cell: (row) => format.number(row.average_cost) },
  { key: "price", head: "Price", align: "right", cell: (row) => format.number(row.price) },
  { key: "value", head: "Value", align: "right", cell: (row) => format.money(row.value) },
  { key: "weight", head: "Weight", align: "right", cell: (row) => format.percent(row.weight, 1) },
];

function Positions() {
  const positions = usePaperPositions();
  return (
    <Panel title="Positions" note={String(positions.data?.length ?? "")} className="trade-positions">
      <Loaded query={positions}>
        {(rows) =>
          rows.length > 0 ? (
            <DataTable label="Positions" columns={POSITIONS} rows={rows} rowKey={(row) => row.symbol} />
          ) : (
            <Notice icon="dash" title="No position is open" />
          )
        }
      </Loaded>
    </Panel>
  );
}

const side = (value: string) => <span className={`side-${value.toLowerCase()}`}>{value}</span>;

const ORDERS: readonly Column<PaperOrder>[] = [
  { key: "symbol", head: "Symbol", cell: (row) => <span className="symbol">{row.symbol}</span> },
  { key: "status", head: "Status", cell: (row) => <OrderState order={row} /> },
  {
    key: "side",
    head: "Side",
    cell: (row) => (
      <>
        {side(row.side)} <small className="muted">{row.type.toLowerCase().replaceAll("_", " ")}</small>
      </>
    ),
  },
  { key: "qty", head: "Quantity", align: "right", cell: (row) => format.quantity(row.quantity) },
  { key: "filled", head: "Filled", align: "right", cell: (row) => format.quantity(row.filled), wideOnly: true },
  { key: "at", head: "Decided", cell: (row) => format.date(row.decided_at) },
];

function OrderState({ order }: { order: PaperOrder }) {
  const text = order.status.toLowerCase().replaceAll("_", " ");
  const why = order.reason && order.reason !== "NONE" ? order.reason.toLowerCase().replaceAll("_", " ") : "";
  return (
    <span className={`order-${order.status.toLowerCase()}`}>
      {text}
      {why ? <small className="muted"> {why}</small> : null}
    </span>
  );
}

const SHOWN = 60;

function Orders() {
  const orders = usePaperOrders();
  return (
    <Panel title="Orders" note="newest first" className="trade-orders">
      <Loaded query={orders}>
        {(page) =>
          page.items.length > 0 ? (
            <DataTable
              label="Orders"
              columns={ORDERS}
              rows={page.items.slice(0, SHOWN)}
              rowKey={(row) => row.order_id}
            />
          ) : (
            <Notice icon="dash" title="No order was sent yet" />
          )
        }
      </Loaded>
    </Panel>
  );
}

const FILLS: readonly Column<PaperFill>[] = [
  { key: "symbol", head: "Symbol", cell: (row) => <span className="symbol">{row.symbol}</span> },
  { key: "value", head: "Value", align: "right", cell: (row) => format.money(row.value) },
  { key: "side", head: "Side", cell: (row) => side(row.side) },
  { key: "qty", head: "Quantity", align: "right", cell: (row) => format.quantity(row.quantity) },
  { key: "price", head: "Price", align: "right", cell: (row) => format.number(row.price) },
  { key: "cost", head: "Cost", align: "right", cell: (row) => format.money(row.cost) },
  { key: "at", head: "When", cell: (row) => format.date(row.at) },
];

function Fills() {
  const fills = usePaperFills();
  return (
    <Panel title="Fills" note="newest first" className="trade-fills">
      <Loaded query={fills}>
        {(page) =>
          page.items.length > 0 ? (
            <DataTable
              label="Fills"
              columns={FILLS}
              rows={page.items.slice(0, SHOWN)}
              rowKey={(row) => row.execution_id}
            />
          ) : (
            <Notice icon="dash" title="Nothing was filled yet" />
          )
        }
      </Loaded>
    </Panel>
  );
}
