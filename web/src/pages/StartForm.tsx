import { useState, type FormEvent } from "react";

import type { Schemas } from "../api/client";
import { usePaperSources, useStartPaper } from "../api/queries";
import { usePlace } from "../state/router";
import { Icon } from "../widgets/Icon";
import { Failure, Panel } from "../widgets/Panel";

const SPEEDS = [
  ["1", "1 bar a second"],
  ["5", "5 bars a second"],
  ["20", "20 bars a second"],
  ["100", "100 bars a second"],
  ["", "as fast as possible"],
] as const;

interface StartFormProps {
  isLocked: boolean;
  onStarted: () => void;
}

/** What to trade on paper, with how much, how fast. */
export function StartForm({ isLocked, onStarted }: StartFormProps) {
  const { query } = usePlace();
  const sources = usePaperSources();
  const start = useStartPaper();
  const [source, setSource] = useState(query.get("source") ?? "");
  const [cash, setCash] = useState("100000");
  const [speed, setSpeed] = useState("5");
  const [first, setFirst] = useState("");

  const rows = sources.data ?? [];
  const chosen = source || rows[0]?.source || "";
  const about = rows.find((row) => row.source === chosen);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    start.mutate(
      {
        source: chosen,
        cash,
        speed: speed === "" ? null : Number(speed),
        ...(first ? { replay_from: first } : {}),
      },
      { onSuccess: onStarted },
    );
  };

  return (
    <Panel title="Start on paper" note="simulated money on replayed market data" className="start">
      <form className="start-form" onSubmit={submit}>
        <label className="field">
          <span>Strategy</span>
          <select value={chosen} onChange={(event) => setSource(event.target.value)}>
            <Options title="Finished runs" rows={rows.filter((row) => row.kind === "run")} />
            <Options title="Reference strategies" rows={rows.filter((row) => row.kind === "strategy")} />
            {chosen && !about ? <option value={chosen}>{chosen}</option> : null}
          </select>
        </label>
        <label className="field">
          <span>Cash, USD</span>
          <input
            inputMode="decimal"
            value={cash}
            required
            pattern="[0-9]+([.][0-9]{1,2})?"
            title="An amount such as 100000 or 2500.50"
            onChange={(event) => setCash(event.target.value)}
          />
        </label>
        <label className="field">
          <span>Replay from</span>
          <input type="date" value={first} onChange={(event) => setFirst(event.target.value)} />
        </label>
        <label className="field">
          <span>Speed</span>
          <select value={speed} onChange={(event) => setSpeed(event.target.value)}>
            {SPEEDS.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <button className="button button-primary" disabled={start.isPending || isLocked || !chosen}>
          <Icon name="play" size={15} /> {start.isPending ? "Starting" : "Start PAPER session"}
        </button>
      </form>
      <p className="muted hint">
        {about?.kind === "strategy" ? `${about.description} ` : ""}The strategy sees one bar after the other, as it would have then, and its orders fill at the next open with the
        study's costs.
      </p>
      {start.error ? <Failure error={start.error} /> : null}
    </Panel>
  );
}

function Options({ title, rows }: { title: string; rows: readonly Schemas["PaperSourceRow"][] }) {
  if (rows.length === 0) return null;
  return (
    <optgroup label={title}>
      {rows.map((row) => (
        <option key={row.source} value={row.source}>
          {row.kind === "run" ? `${row.name} · ${row.description}` : row.name.replaceAll("_", " ")}
        </option>
      ))}
    </optgroup>
  );
}
