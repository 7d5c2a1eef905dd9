import type { RunDetail, Schemas } from "../api/client";
import * as format from "../format";
import { Notice, Panel } from "../widgets/Panel";
import { Change } from "../widgets/Value";
import { FigureTable } from "./RunParts";

type Analysis = Schemas["RunAnalysis"];

const STEPS = [
  ["spread", "Spread"],
  ["slippage", "Slippage"],
  ["impact", "Market impact"],
  ["fee", "Fees"],
  ["financing", "Financing"],
] as const;

export function RunCosts({ run, analysis }: { run: RunDetail; analysis: Analysis }) {
  const { costs } = analysis;
  if (!costs) {
    return <Notice icon="warn" title="No figure is shown for this run" />;
  }
  const total = STEPS.reduce((sum, [name]) => sum + costs[name], 0);
  return (
    <div className="stack">
      <div className="pair">
        <Panel title="From gross to net" note={run.currency}>
          <Bridge costs={costs} />
        </Panel>
        <Panel title="How heavy they are">
          <dl className="pairs">
            <Pair name="Costs" value={format.money(total)} />
            <Pair name="Charged, of what was traded" value={bps(costs.bps)} />
            <Pair name="Break-even, of what was traded" value={bps(costs.break_even_bps)} />
            <Pair name="Of the initial cash" value={format.percent(run.cost.of_capital, 2)} />
            <Pair name="Traded" value={format.money(costs.notional, false, 0)} />
            <Pair name="Fills" value={format.number(run.n_fills, 0)} />
            <Pair name="Orders" value={format.number(run.n_orders, 0)} />
          </dl>
          {total === 0 ? <p className="down hint">No costs were charged.</p> : null}
        </Panel>
      </div>
      <FigureTable
        title="If costs were different"
        note="equity at the end at 0 to 3 times the costs"
        table={run.cost_sensitivity}
        empty="Cost sensitivity was not computed"
      />
      <FigureTable
        title="By instrument"
        note="adds up to the run, to the cent; financing belongs to the account"
        table={analysis.costs_by_instrument}
        empty="Nothing was traded"
      />
      {analysis.costs_by_window ? (
        <FigureTable
          title="By window"
          note="a day that windows share counts for the newest"
          table={analysis.costs_by_window}
          empty="No window"
        />
      ) : null}
    </div>
  );
}

function bps(value: number | null): string {
  return value === null ? "–" : `${format.number(value, 1)} bps`;
}

function Pair({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Bridge({ costs }: { costs: NonNullable<Analysis["costs"]> }) {
  const most = Math.max(...STEPS.map(([name]) => Math.abs(costs[name])));
  return (
    <div className="table-frame" role="region" aria-label="From gross to net, table" tabIndex={0}>
      <table className="data plain">
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col" className="wide-only">
              <span className="sr-only">Size</span>
            </th>
            <th scope="col" className="right">
              Amount
            </th>
          </tr>
        </thead>
        <tbody>
          <tr className="total">
            <td data-head="Step">Gross profit</td>
            <td className="wide-only" />
            <td data-head="Amount" className="right">
              <Change value={costs.gross}>{format.money(costs.gross, true)}</Change>
            </td>
          </tr>
          {STEPS.map(([name, label]) => (
            <tr key={name}>
              <td data-head="Step">{label}</td>
              <td className="wide-only bar-cell">
                <meter min={0} max={most || 1} value={Math.abs(costs[name])} aria-label={label} />
              </td>
              <td data-head="Amount" className="right">
                {format.money(-costs[name], true)}
              </td>
            </tr>
          ))}
          <tr className="total">
            <td data-head="Step">Net profit</td>
            <td className="wide-only" />
            <td data-head="Amount" className="right">
              <Change value={costs.net}>{format.money(costs.net, true)}</Change>
            </td>
          </tr>
        </tbody>
      </table>
    </div>
  );
}
