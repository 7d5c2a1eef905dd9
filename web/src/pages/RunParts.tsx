import type { RunDetail } from "../api/client";
import * as format from "../format";
import { Notice, Panel } from "../widgets/Panel";

type Table = NonNullable<RunDetail["controls"]>;

interface FigureTableProps {
  title: string;
  note: string;
  table: Table | null;
  empty: string;
}

export function FigureTable({ title, note, table, empty }: FigureTableProps) {
  return (
    <Panel title={title} note={note}>
      {table && table.rows.length > 0 ? (
        <div className="table-frame" role="region" aria-label={`${title}, table`} tabIndex={0}>
          <table className="data plain">
            <thead>
              <tr>
                {table.columns.map((name, index) => (
                  <th key={name} scope="col" className={table.units[index] === "text" ? "" : "right"}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((row, number) => (
                <tr key={number}>
                  {row.map((value, index) => {
                    const unit = table.units[index] ?? "text";
                    return (
                      <td
                        key={table.columns[index]}
                        data-head={table.columns[index]}
                        className={unit === "text" ? "" : "right"}
                      >
                        {typeof value === "string" ? value : format.inUnit(value, unit)}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <Notice icon="dash" title={empty} />
      )}
    </Panel>
  );
}

export function Costs({ run }: { run: RunDetail }) {
  const { cost } = run;
  const most = Math.max(...cost.parts.map((part) => Number(part.amount)), 0);
  return (
    <div className="stack">
      <div className="pair">
        <Panel title="Where the money went" note={run.currency}>
          <div className="table-frame" role="region" aria-label="Where the money went, table" tabIndex={0}>
            <table className="data plain">
              <thead>
                <tr>
                  <th scope="col">Component</th>
                  <th scope="col" className="wide-only">
                    <span className="sr-only">Size</span>
                  </th>
                  <th scope="col" className="right">
                    Amount
                  </th>
                  <th scope="col" className="right">
                    Share
                  </th>
                </tr>
              </thead>
              <tbody>
                {cost.parts.map((part) => (
                  <tr key={part.name}>
                    <td data-head="Component" className="capital">
                      {part.name}
                    </td>
                    <td className="wide-only bar-cell">
                      <meter min={0} max={most || 1} value={Number(part.amount)} aria-label={`${part.name} ${part.amount}`} />
                    </td>
                    <td data-head="Amount" className="right">
                      {format.money(part.amount)}
                    </td>
                    <td data-head="Share" className="right">
                      {format.percent(part.share, 1)}
                    </td>
                  </tr>
                ))}
                <tr className="total">
                  <td data-head="Component">Total</td>
                  <td className="wide-only" />
                  <td data-head="Amount" className="right">
                    {format.money(cost.total)}
                  </td>
                  <td data-head="Share" className="right">
                    {format.percent(Number(cost.total) > 0 ? 1 : null, 1)}
                  </td>
                </tr>
              </tbody>
            </table>
          </div>
        </Panel>
        <Panel title="How heavy they are">
          <dl className="pairs">
            <div>
              <dt>Of what was traded</dt>
              <dd>{format.percent(cost.of_turnover, 3)}</dd>
            </div>
            <div>
              <dt>Of the initial cash</dt>
              <dd>{format.percent(cost.of_capital, 2)}</dd>
            </div>
            <div>
              <dt>Fills</dt>
              <dd>{format.number(run.n_fills, 0)}</dd>
            </div>
            <div>
              <dt>Orders</dt>
              <dd>{format.number(run.n_orders, 0)}</dd>
            </div>
          </dl>
        </Panel>
      </div>
      <FigureTable
        title="If costs were different"
        note="the same decisions, charged anew"
        table={run.cost_sensitivity}
        empty="Cost sensitivity was not computed"
      />
    </div>
  );
}

export function Manifest({ run }: { run: RunDetail }) {
  return (
    <div className="pair pair-wide">
      <Panel title="Manifest" note="what is needed to get this result again">
        <Tree value={run.manifest} />
      </Panel>
      <div className="stack">
        <Panel title="Identity">
          <dl className="pairs">
            <div>
              <dt>Run</dt>
              <dd>
                <code>{run.run_id}</code>
              </dd>
            </div>
            <div>
              <dt>Digest</dt>
              <dd>
                <code className="breaks">{run.digest}</code>
              </dd>
            </div>
            <div>
              <dt>Made (UTC)</dt>
              <dd>{format.dateTime(run.created_at)}</dd>
            </div>
          </dl>
          <p className="muted hint">
            Repeat it with <code className="breaks">tradewright study rerun {run.run_id}</code>
          </p>
        </Panel>
        <Panel title="Instruments" note={String(run.symbols.length)}>
          <p className="symbols">
            {run.symbols.map((symbol) => (
              <span key={symbol} className="symbol">
                {symbol}
              </span>
            ))}
          </p>
        </Panel>
        {run.features.length > 0 ? (
          <Panel title="Features" note={String(run.features.length)}>
            <p className="symbols">
              {run.features.map((name) => (
                <code key={name}>{name}</code>
              ))}
            </p>
          </Panel>
        ) : null}
        {run.notes.length > 0 ? (
          <Panel title="Notes">
            <ul className="cautions">
              {run.notes.map((note) => (
                <li key={note}>{note}</li>
              ))}
            </ul>
          </Panel>
        ) : null}
      </div>
    </div>
  );
}

function isBranch(item: unknown): boolean {
  return typeof item === "object" && item !== null && !Array.isArray(item) && Object.keys(item).length > 0;
}

/** A nested document, level by level. */
function Tree({ value }: { value: unknown }) {
  if (Array.isArray(value)) {
    const flat = value.every((item) => typeof item !== "object" || item === null);
    if (flat) return <span className="leaf">{value.length > 0 ? value.map(String).join(", ") : "none"}</span>;
    return (
      <ol className="tree">
        {value.map((item, index) => (
          <li key={index}>
            <Tree value={item} />
          </li>
        ))}
      </ol>
    );
  }
  if (typeof value === "object" && value !== null) {
    if (Object.keys(value).length === 0) return <span className="leaf muted">–</span>;
    return (
      <dl className="tree">
        {Object.entries(value).map(([key, item]) => (
          <div key={key} className={isBranch(item) ? "branch" : ""}>
            <dt>{key.replaceAll("_", " ")}</dt>
            <dd>
              <Tree value={item} />
            </dd>
          </div>
        ))}
      </dl>
    );
  }
  if (value === null || value === "") return <span className="leaf muted">–</span>;
  return <span className="leaf">{String(value)}</span>;
}
