/** A line without axes: the shape of a series at a glance. */

/** Picks at most `most` points, the first and the last among them. */
export function thin(values: readonly (number | null)[], most: number): number[] {
  const known = values.filter((value): value is number => value !== null);
  if (known.length <= most) return known;
  const step = (known.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, index) => known[Math.round(index * step)] ?? 0);
}

interface SparkProps {
  values: readonly (number | null)[];
  versus?: readonly (number | null)[];
  label: string;
  height?: number;
}

const WIDTH = 600;

export function Spark({ values, versus = [], label, height = 120 }: SparkProps) {
  const main = thin(values, 240);
  const other = thin(versus, 240);
  if (main.length < 2) return null;
  const all = [...main, ...other];
  const low = Math.min(...all);
  const span = Math.max(...all) - low || 1;
  const path = (points: number[]): string =>
    points
      .map((value, index) => {
        const x = (index / (points.length - 1)) * WIDTH;
        const y = height - 4 - ((value - low) / span) * (height - 8);
        return `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      })
      .join("");
  return (
    <svg className="spark" viewBox={`0 0 ${WIDTH} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {other.length > 1 ? <path className="spark-versus" d={path(other)} /> : null}
      <path className="spark-area" d={`${path(main)}L${WIDTH} ${height}L0 ${height}Z`} />
      <path className="spark-line" d={path(main)} />
    </svg>
  );
}
