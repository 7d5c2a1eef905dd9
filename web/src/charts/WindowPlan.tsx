import type { RunDetail } from "../api/client";
import * as format from "../format";

/** The scores that say most, and what people call them. */
const SCORES: Record<string, string> = {
  ic: "Rank correlation",
  ic_t: "its t",
  hit_rate: "Right sign",
  accuracy: "Accuracy",
  accuracy_majority: "Always the commonest",
  information_coefficient: "Rank correlation",
};

/** Walk-forward windows on one time line: learned on grey, judged on blue. */
export function WindowPlan({ windows }: { windows: RunDetail["windows"] }) {
  const dated = windows.filter((item) => item.train_start && item.test_end);
  const from = Math.min(...dated.map((item) => Date.parse(item.train_start ?? "")));
  const to = Math.max(...dated.map((item) => Date.parse(item.test_end ?? "")));
  const share = (moment: string | null): number =>
    moment ? ((Date.parse(moment) - from) / (to - from || 1)) * 100 : 0;
  const found = new Set(windows.flatMap((item) => Object.keys(item.scores)));
  const known = Object.keys(SCORES).filter((name) => found.has(name));
  const names = known.length > 0 ? known : [...found].slice(0, 5);
  return (
    <div className="table-frame" role="region" aria-label="Walk-forward windows, table" tabIndex={0}>
      <table className="data windows">
        <thead>
          <tr>
            <th scope="col">Window</th>
            <th scope="col" className="window-lane wide-only">
              <span className="key key-train">Trained</span>
              <span className="key key-test">Tested</span>
            </th>
            <th scope="col">Tested on</th>
            {names.map((name) => (
              <th key={name} scope="col" className="right">
                {SCORES[name] ?? name.replaceAll("_", " ")}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {windows.map((item) => (
            <tr key={item.number}>
              <td data-head="Window">{item.number}</td>
              <td className="window-lane wide-only">
                <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                  <rect
                    className="window-train"
                    x={share(item.train_start)}
                    width={Math.max(0, share(item.train_end) - share(item.train_start))}
                    y="1.5"
                    height="5"
                  />
                  <rect
                    className="window-test"
                    x={share(item.test_start)}
                    width={Math.max(0.6, share(item.test_end) - share(item.test_start))}
                    y="0"
                    height="8"
                  />
                </svg>
              </td>
              <td data-head="Tested on">
                {format.date(item.test_start)} – {format.date(item.test_end)}
              </td>
              {names.map((name) => (
                <td key={name} data-head={SCORES[name] ?? name} className="right">
                  {format.number(item.scores[name], 3)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
