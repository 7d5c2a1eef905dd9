import type { RunDetail } from "../api/client";
import * as format from "../format";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Strength of the tint, 0 to 4, for a monthly return. */
export function shade(value: number | null | undefined): number {
  if (value === null || value === undefined) return 0;
  const size = Math.abs(value);
  return size < 0.0005 ? 0 : size < 0.01 ? 1 : size < 0.025 ? 2 : size < 0.05 ? 3 : 4;
}

/** Returns by month and year, as a table that anyone can read. */
export function MonthGrid({ monthly }: { monthly: RunDetail["monthly"] }) {
  const years = [...new Set(monthly.map((cell) => cell.year))];
  const find = (year: number, month: number) =>
    monthly.find((cell) => cell.year === year && cell.month === month)?.value;
  return (
    <div className="table-frame" role="region" aria-label="Monthly returns, table" tabIndex={0}>
      <table className="months">
        <thead>
          <tr>
            <th scope="col">
              <span className="sr-only">Year</span>
            </th>
            {MONTHS.map((month) => (
              <th key={month} scope="col">
                {month}
              </th>
            ))}
            <th scope="col">Year</th>
          </tr>
        </thead>
        <tbody>
          {years.map((year) => (
            <tr key={year}>
              <th scope="row">{year}</th>
              {MONTHS.map((month, index) => (
                <Cell key={month} value={find(year, index + 1)} />
              ))}
              <Cell value={compounded(MONTHS.map((_, index) => find(year, index + 1)))} isYear />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function compounded(values: readonly (number | null | undefined)[]): number | null {
  const known = values.filter((value): value is number => typeof value === "number");
  return known.length ? known.reduce((all, value) => all * (1 + value), 1) - 1 : null;
}

function Cell({ value, isYear = false }: { value: number | null | undefined; isYear?: boolean }) {
  if (value === null || value === undefined) return <td className="month-none">·</td>;
  const side = format.direction(value);
  return (
    <td className={`month month-${side}-${shade(isYear ? value / 3 : value)} ${isYear ? "month-year" : ""}`}>
      {format.number(value * 100, 1)}
    </td>
  );
}
