import type { Schemas } from "../api/client";
import * as format from "../format";
import { Notice, Panel } from "../widgets/Panel";

type Stress = NonNullable<Schemas["RunAnalysis"]["stress"]>;
type Scenario = Stress["scenarios"][number];
type Start = Scenario["worst"];

/** What scenarios did to the strategy, beside the market and the same span without them. */
export function RunStress({ runId, stress }: { runId: string; stress: Stress | null }) {
  if (!stress) {
    return (
      <Panel title="Stress">
        <Notice icon="dash" title="No scenario was run on this strategy">
          <p className="muted">
            <code className="breaks">tradewright backtest stress --run {runId}</code> lets crashes happen to it and keeps
            the result here.
          </p>
        </Notice>
      </Panel>
    );
  }
  const most = Math.max(...stress.scenarios.flatMap((row) => [fall(row.worst.drawdown), fall(row.worst.market_drawdown)]));
  return (
    <div className="stack">
      <Panel title="Worst starts" note="the same engine on bars that a scenario changed">
        <div className="table-frame" role="region" aria-label="Worst starts, table" tabIndex={0}>
          <table className="data plain stress">
            <thead>
              <tr>
                <th scope="col">Scenario</th>
                <th scope="col" className="right">
                  Market
                </th>
                <th scope="col">From</th>
                <th scope="col" className="right">
                  Return
                </th>
                <th scope="col" className="right">
                  Without
                </th>
                <th scope="col">Drawdown, and the market&rsquo;s</th>
                <th scope="col" className="right">
                  Regained
                </th>
                <th scope="col" className="right">
                  Score
                </th>
                <th scope="col" className="right">
                  Median
                </th>
              </tr>
            </thead>
            <tbody>
              {stress.scenarios.map((row) => (
                <tr key={row.name}>
                  <td data-head="Scenario">
                    {row.description}
                    <br />
                    <code className="muted">{row.name}</code>
                  </td>
                  <td data-head="Market" className="right">
                    {format.percent(row.shock, 0, true)}
                  </td>
                  <td data-head="From" className="day">
                    {row.worst.first_day}
                  </td>
                  <td data-head="Return" className="right">
                    {format.percent(row.worst.stressed_return, 1, true)}
                  </td>
                  <td data-head="Without" className="right">
                    {format.percent(row.worst.normal_return, 1, true)}
                  </td>
                  <td data-head="Drawdown, and the market's" className="fall-cell">
                    <Fall start={row.worst} most={most} />
                  </td>
                  <td data-head="Regained" className="right">
                    {regained(row.worst)}
                  </td>
                  <td data-head="Score" className="right">
                    <b>{format.number(row.worst.score, 0)}</b>
                  </td>
                  <td data-head="Median" className="right">
                    {format.number(row.median_score, 0)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <p className="muted hint">
          Score, 0 to 100: 50 for a drawdown that is small beside the market&rsquo;s, 30 for the share of the loss made good
          by the end, 20 for sessions less than {format.percent(stress.drawdown_limit, 0)} below the highest equity. Regained:
          sessions until the equity of the onset is back.
        </p>
      </Panel>
      <Starts scenarios={stress.scenarios} />
      {stress.notes.length > 0 ? (
        <Panel title="How it was run">
          <ul className="cautions">
            {stress.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </Panel>
      ) : null}
    </div>
  );
}

function fall(value: number | null): number {
  return Math.abs(value ?? 0);
}

function regained(start: Start): string {
  return start.sessions_to_regain === null ? "never" : format.number(start.sessions_to_regain, 0);
}

function Fall({ start, most }: { start: Start; most: number }) {
  return (
    <span className="falls">
      <meter min={0} max={most || 1} value={fall(start.drawdown)} aria-label="Drawdown of the strategy" />
      <span>{format.percent(start.drawdown, 1)}</span>
      <meter className="versus" min={0} max={most || 1} value={fall(start.market_drawdown)} aria-label="Drawdown of the market" />
      <span className="muted">{format.percent(start.market_drawdown, 1)}</span>
    </span>
  );
}

function Starts({ scenarios }: { scenarios: readonly Scenario[] }) {
  const rows = scenarios.flatMap((row) => row.starts.map((start) => ({ name: row.name, start })));
  return (
    <Panel title="Every start" note={`${rows.length} runs`}>
      <div className="table-frame" role="region" aria-label="Every start, table" tabIndex={0}>
        <table className="data plain">
          <thead>
            <tr>
              {["Scenario", "From", "To"].map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
              {["Return", "Without", "Drawdown", "Market's", "Trough", "Regained", "Made good", "Beyond limit", "Score"].map(
                (head) => (
                  <th key={head} scope="col" className="right">
                    {head}
                  </th>
                ),
              )}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, start }) => (
              <tr key={`${name} ${start.first_day}`}>
                <td data-head="Scenario">
                  <code>{name}</code>
                  {start.message ? <small className="muted"> {start.message}</small> : null}
                </td>
                <td data-head="From" className="day">
                  {start.first_day}
                </td>
                <td data-head="To" className="day">
                  {start.last_day}
                  {start.is_cut ? <small className="muted"> data end</small> : null}
                </td>
                <td data-head="Return" className="right">
                  {format.percent(start.stressed_return, 1, true)}
                </td>
                <td data-head="Without" className="right">
                  {format.percent(start.normal_return, 1, true)}
                </td>
                <td data-head="Drawdown" className="right">
                  {format.percent(start.drawdown, 1)}
                </td>
                <td data-head="Market's" className="right">
                  {format.percent(start.market_drawdown, 1)}
                </td>
                <td data-head="Trough" className="right">
                  {format.number(start.sessions_to_trough, 0)}
                </td>
                <td data-head="Regained" className="right">
                  {regained(start)}
                </td>
                <td data-head="Made good" className="right">
                  {format.percent(start.recovered_share, 0)}
                </td>
                <td data-head="Beyond limit" className="right">
                  {format.percent(start.breach_share, 0)}
                </td>
                <td data-head="Score" className="right">
                  {format.number(start.score, 0)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
