import type { LimitUse, RiskEventRow, RiskStatus } from "../api/client";
import { useRisk, useRiskEvents } from "../api/queries";
import * as format from "../format";
import { runsOf } from "../live/apply";
import { Icon } from "../widgets/Icon";
import { Loaded, Notice, Panel } from "../widgets/Panel";

const STATES: Record<RiskStatus["state"], { text: string; tone: string }> = {
  NORMAL: { text: "Normal", tone: "good" },
  REDUCE_ONLY: { text: "Exits only", tone: "warn" },
  FLATTENING: { text: "Closing", tone: "bad" },
  HALTED: { text: "Halted", tone: "bad" },
};

const KINDS: Record<string, string> = {
  RiskLimitWarned: "limit near",
  RiskLimitBreached: "limit broken",
  TradingReduced: "exits only",
  TradingFlattening: "closing",
  TradingHalted: "halted",
  TradingResumed: "released",
  MarginCall: "margin call",
  OrderDenied: "order denied",
};

const COUNTS = new Set(["max_positions", "losing_trades"]);
const SHOWN = 40;

/** How the account stands beside its limits, and what stopped it. */
export function RiskPanel() {
  const risk = useRisk();
  return (
    <Panel
      title="Risk"
      className="trade-risk"
      note={risk.data ? <StateBadge state={risk.data.state} /> : undefined}
    >
      <Loaded query={risk}>
        {(status) => (
          <div className="risk">
            <div className="risk-now">
              <Halts status={status} />
              <Measures status={status} />
              <Limits rows={status.paper?.limits ?? []} />
            </div>
            <Events />
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function StateBadge({ state }: { state: RiskStatus["state"] }) {
  const { text, tone } = STATES[state];
  return (
    <span className={`risk-state risk-${tone}`} role="status">
      <Icon name={tone === "good" ? "check" : "warn"} size={14} /> {text}
    </span>
  );
}

/** What a person must know first: what is stopped, by whom, why, and how it is released. */
function Halts({ status }: { status: RiskStatus }) {
  const stopped = status.scopes.filter((row) => row.state !== "NORMAL");
  if (stopped.length === 0 && !status.is_halted_by_file) return null;
  return (
    <div className="risk-halt" role="alert">
      {status.is_halted_by_file ? (
        <p>
          The file <code>HALT</code> stands in the data directory: nothing is sent until it is removed.
        </p>
      ) : null}
      {stopped.map((row) => (
        <div key={row.scope}>
          <p>
            <b>{STATES[row.state].text}</b>: <code>{row.scope}</code>
          </p>
          {row.causes.map((cause) => (
            <p key={`${cause.rule} ${cause.at}`}>
              {cause.actor === "risk" ? limitName(cause.rule) : cause.actor}: {cause.reason}{" "}
              <span className="muted">{format.dateTime(cause.at)}</span>
            </p>
          ))}
          {row.state === "HALTED" ? (
            <p className="muted">
              Release it with <code className="breaks">tradewright risk rearm {row.scope} --reason WHY --actor NAME</code>
            </p>
          ) : null}
        </div>
      ))}
    </div>
  );
}

function Measures({ status }: { status: RiskStatus }) {
  const { paper } = status;
  if (!paper) return null;
  const { measure } = paper;
  return (
    <dl className="risk-measures">
      <Measure name="Lost today" value={format.percent(paper.day_loss, 2)} />
      <Measure name="Below the high" value={format.percent(paper.drawdown, 2)} />
      <Measure name="Gross exposure" value={format.percent(paper.gross, 1)} />
      <Measure
        name="VaR of a session"
        value={measure.var === null ? "–" : format.percent(measure.var, 2)}
        hint={measure.why ?? (measure.low_sample ? "few sessions" : `${format.percent(measure.level ?? null, 0)}, historical`)}
      />
    </dl>
  );
}

function Measure({ name, value, hint }: { name: string; value: string; hint?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value}
        {hint ? <small className="muted"> {hint}</small> : null}
      </dd>
    </div>
  );
}

function limitName(key: string): string {
  return key.replaceAll("_", " ");
}

function amount(row: LimitUse, value: number | null): string {
  if (value === null) return "not known";
  if (COUNTS.has(row.limit)) return format.number(value, 0);
  return row.limit === "max_leverage" ? `${format.number(value, 2)}×` : format.percent(value, 1);
}

/** Use of each limit, the nearest first. */
function Limits({ rows }: { rows: readonly LimitUse[] }) {
  if (rows.length === 0) {
    return (
      <Notice icon="dash" title="No limit with a distance is in force">
        <p className="muted">
          <code className="breaks">tradewright risk limits --set account.drawdown=0.10 --reason WHY</code>
        </p>
      </Notice>
    );
  }
  const sorted = [...rows].sort((a, b) => (b.fraction ?? Infinity) - (a.fraction ?? Infinity));
  return (
    <div className="table-frame" role="region" aria-label="Limits, table" tabIndex={0}>
      <table className="data plain" aria-label="Limits">
        <thead>
          <tr>
            <th scope="col">Limit</th>
            <th scope="col">Use</th>
            <th scope="col" className="right">
              Now
            </th>
            <th scope="col" className="right">
              Allowed
            </th>
            <th scope="col">Beyond it</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => {
            const share = row.fraction ?? 1;
            const level = share >= 1 ? "over" : share >= 0.8 ? "near" : "";
            return (
              <tr key={`${row.scope} ${row.limit}`}>
                <td data-head="Limit">
                  {limitName(row.limit)} {row.name ? <span className="symbol">{row.name}</span> : null}
                  <br />
                  <small className="muted">{row.scope === "portfolio" ? "everything" : row.scope}</small>
                </td>
                <td data-head="Use" className="use-cell">
                  <meter className={level} min={0} max={1} value={Math.min(share, 1)} aria-label={`Use of ${limitName(row.limit)}`} />
                  <small className={level === "over" ? "down" : "muted"}>
                    {row.fraction === null ? "over" : format.percent(row.fraction, 0)}
                  </small>
                </td>
                <td data-head="Now" className="right">
                  {amount(row, row.used)}
                </td>
                <td data-head="Allowed" className="right">
                  {amount(row, row.allowed)}
                </td>
                <td data-head="Beyond it">{row.action.toLowerCase().replaceAll("_", " ")}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** What the risk layer said, newest first: live on this page, halts and releases from the record. */
function Events() {
  const events = useRiskEvents();
  const rows = events.data ?? [];
  return (
    <div className="risk-events">
      <h3>Events</h3>
      {rows.length === 0 ? (
        <p className="muted">Nothing was refused, broken or halted.</p>
      ) : (
        <ol aria-label="Risk events" className="events">
          {runsOf(rows)
            .slice(0, SHOWN)
            .map(({ row, count }, index) => (
              <EventLine key={`${row.at} ${row.kind} ${index}`} row={row} count={count} />
            ))}
        </ol>
      )}
    </div>
  );
}

function EventLine({ row, count }: { row: RiskEventRow; count: number }) {
  return (
    <li className={row.is_critical ? "critical" : ""}>
      <span className="event-kind">
        {KINDS[row.kind] ?? row.kind}
        {count > 1 ? ` × ${count}` : ""}
      </span>
      <span>{row.message}</span>
      <small className="muted">
        {row.scope} · {format.dateTime(row.at)}
      </small>
    </li>
  );
}
