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
                <tr key={number} className={row[0] === "Total" ? "total" : undefined}>
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
