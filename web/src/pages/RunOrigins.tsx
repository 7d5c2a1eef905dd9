import type { Schemas } from "../api/client";
import { Icon } from "../widgets/Icon";
import { Notice, Panel } from "../widgets/Panel";
import { FigureTable } from "./RunParts";

type Analysis = Schemas["RunAnalysis"];

/** Where the profit came from; each table adds up to what it splits. */
export function Attribution({ analysis }: { analysis: Analysis }) {
  if (analysis.attribution.length === 0) {
    return (
      <Panel title="Attribution">
        <Notice icon="dash" title="The profit of this run could not be split" />
      </Panel>
    );
  }
  return <Tables rows={analysis.attribution} />;
}

/** How sure the figures are, and what chance makes of them. */
export function Luck({ analysis }: { analysis: Analysis }) {
  return <Tables rows={analysis.luck} />;
}

function Tables({ rows }: { rows: Analysis["luck"] }) {
  return (
    <div className="columns">
      {rows.map((row) => (
        <FigureTable key={row.name} title={row.title} note={row.note} table={row.table} empty="Nothing to show" />
      ))}
    </div>
  );
}

const STATE = { pass: ["check", "passed"], fail: ["warn", "failed"], none: ["dash", "not run"] } as const;

/** What the guards said, and what the run takes for granted. */
export function Foundations({ analysis }: { analysis: Analysis }) {
  return (
    <div className="pair">
      <Panel title="Data health and leaks">
        {analysis.guards.map((guard) => {
          const [icon, word] = STATE[guard.ok === null ? "none" : guard.ok ? "pass" : "fail"];
          return (
            <div key={guard.name} className="guard">
              <p>
                <Icon name={icon} size={14} /> <b>{guard.name}</b> <span className="muted">{word}</span>
              </p>
              <p>{guard.summary}</p>
            </div>
          );
        })}
      </Panel>
      <Panel title="Assumptions">
        {analysis.assumptions.length > 0 ? (
          <ul className="cautions">
            {analysis.assumptions.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        ) : (
          <Notice icon="dash" title="Nothing is on record" />
        )}
      </Panel>
    </div>
  );
}
