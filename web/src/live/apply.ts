import type { QueryClient } from "@tanstack/react-query";

import type {
  Job,
  PaperEquity,
  PaperFill,
  PaperOrder,
  PaperPosition,
  PaperStatus,
  RiskEventRow,
  RiskStatus,
} from "../api/client";
import type { LiveMessage } from "./socket";

interface Rows<T> {
  items: T[];
  next_cursor?: string | null;
}

export interface EquityPoint {
  at: string;
  equity: number;
  cash: number;
}

const KEPT = 200;

const KEYS: Record<string, string[]> = {
  "paper.status": ["paper", "status"],
  "paper.equity": ["paper", "equity"],
  "paper.position": ["paper", "positions"],
  "paper.order": ["paper", "orders"],
  "paper.fill": ["paper", "fills"],
  risk: ["risk", "status"],
  "risk.event": ["risk", "events"],
  jobs: ["jobs"],
};

/** The list with a row put in its place, or in front when it is new. */
export function upsert<T>(rows: readonly T[], row: T, key: (row: T) => string): T[] {
  const at = rows.findIndex((old) => key(old) === key(row));
  if (at < 0) return [row, ...rows].slice(0, KEPT);
  return rows.map((old, index) => (index === at ? row : old));
}

/** The series with points added behind it; what it holds already is left out. */
export function extend(series: PaperEquity, points: readonly EquityPoint[]): PaperEquity {
  let last = series.times.at(-1) ?? "";
  const fresh: EquityPoint[] = [];
  for (const point of points) {
    if (point.at <= last) continue;
    fresh.push(point);
    last = point.at;
  }
  if (fresh.length === 0) return series;
  return {
    ...series,
    times: [...series.times, ...fresh.map((point) => point.at)],
    equity: [...series.equity, ...fresh.map((point) => point.equity)],
    cash: [...series.cash, ...fresh.map((point) => point.cash)],
  };
}

/** The longer of two states of one series: an answer may be older than what the stream told. */
export function longer(old: PaperEquity | undefined, fresh: PaperEquity): PaperEquity {
  if (!old || old.times[0] !== fresh.times[0]) return fresh;
  return old.times.length >= fresh.times.length ? old : fresh;
}

/** The record's events with those that only the stream told: a snapshot knows halts, not warnings. */
export function joined(seen: readonly RiskEventRow[], recorded: readonly RiskEventRow[]): RiskEventRow[] {
  const known = new Set(recorded.map(identity));
  const own = seen.filter((row) => !known.has(identity(row)) && !TRANSITIONS.has(row.kind));
  return [...own, ...recorded].slice(0, KEPT);
}

/** Events that say the same one after another as one, the newest of them, with their number. */
export function runsOf(rows: readonly RiskEventRow[]): { row: RiskEventRow; count: number }[] {
  const found: { row: RiskEventRow; count: number }[] = [];
  for (const row of rows) {
    const last = found.at(-1);
    if (last && last.row.kind === row.kind && last.row.message === row.message && last.row.scope === row.scope) {
      last.count += 1;
    } else {
      found.push({ row, count: 1 });
    }
  }
  return found;
}

const TRANSITIONS = new Set(["TradingReduced", "TradingFlattening", "TradingHalted", "TradingResumed"]);

function identity(row: RiskEventRow): string {
  return `${row.kind} ${row.scope} ${row.at} ${row.message}`;
}

export function withPosition(rows: readonly PaperPosition[], row: PaperPosition): PaperPosition[] {
  const rest = rows.filter((old) => old.symbol !== row.symbol);
  const open = Number(row.quantity) === 0 ? rest : [...rest, row];
  return open.sort((a, b) => Math.abs(Number(b.value)) - Math.abs(Number(a.value)));
}

/** Writes a message of the stream into the cache the pages read. */
export function applyMessage(queries: QueryClient, message: LiveMessage): void {
  const { topic } = message;
  if (topic === undefined) return;
  if (message.type === "snapshot") {
    applySnapshot(queries, topic, message.data);
    return;
  }
  switch (topic) {
    case "paper.status":
      queries.setQueryData<PaperStatus>(["paper", "status"], message.data as PaperStatus);
      break;
    case "paper.equity":
      queries.setQueryData<PaperEquity>(["paper", "equity"], (old) =>
        old ? extend(old, (message.data as { points: EquityPoint[] }).points) : old,
      );
      break;
    case "paper.position":
      queries.setQueryData<PaperPosition[]>(["paper", "positions"], (old) =>
        withPosition(old ?? [], message.data as PaperPosition),
      );
      break;
    case "paper.order":
      queries.setQueryData<Rows<PaperOrder>>(["paper", "orders"], (old) => ({
        ...old,
        items: upsert(old?.items ?? [], message.data as PaperOrder, (row) => row.order_id),
      }));
      break;
    case "paper.fill":
      queries.setQueryData<Rows<PaperFill>>(["paper", "fills"], (old) => ({
        ...old,
        items: upsert(old?.items ?? [], message.data as PaperFill, (row) => row.execution_id),
      }));
      break;
    case "risk":
      queries.setQueryData<RiskStatus>(["risk", "status"], message.data as RiskStatus);
      break;
    case "risk.event":
      queries.setQueryData<RiskEventRow[]>(["risk", "events"], (old) =>
        [message.data as RiskEventRow, ...(old ?? [])].slice(0, KEPT),
      );
      break;
    case "jobs": {
      const job = message.data as Job;
      queries.setQueryData<Rows<Job>>(["jobs"], (old) => ({
        ...old,
        items: upsert(old?.items ?? [], job, (row) => row.job_id),
      }));
      if (job.status === "COMPLETED") {
        void queries.invalidateQueries({ queryKey: ["runs"] });
        void queries.invalidateQueries({ queryKey: ["data"] });
        void queries.invalidateQueries({ queryKey: ["run", "latest"] });
      }
      break;
    }
  }
}

/** The stream's word is final: an answer still on its way may be older and is let go. */
function applySnapshot(queries: QueryClient, topic: string, data: unknown): void {
  const key = KEYS[topic];
  if (key) void queries.cancelQueries({ queryKey: key }, { revert: false, silent: true });
  switch (topic) {
    case "paper.status":
      queries.setQueryData(["paper", "status"], data);
      break;
    case "paper.equity":
      queries.setQueryData<PaperEquity>(["paper", "equity"], (old) => longer(old, data as PaperEquity));
      break;
    case "risk":
      queries.setQueryData(["risk", "status"], data);
      break;
    case "risk.event":
      queries.setQueryData<RiskEventRow[]>(["risk", "events"], (old) => joined(old ?? [], data as RiskEventRow[]));
      break;
    case "paper.position":
      queries.setQueryData(["paper", "positions"], data);
      break;
    case "paper.order":
      queries.setQueryData(["paper", "orders"], { items: data });
      break;
    case "paper.fill":
      queries.setQueryData(["paper", "fills"], { items: data });
      break;
    case "jobs":
      queries.setQueryData(["jobs"], { items: data });
      break;
  }
}
