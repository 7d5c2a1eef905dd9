export type Value = string | number | boolean;
export type Grid = Record<string, Value[]>;

const MOST = 1000;

/** Reads `fast=5:20:5` or `kind=a,b`, one parameter a line, as the command line does. */
export function readGrid(text: string): Grid {
  const grid: Grid = {};
  for (const line of text.split(/[\n;]/).map((part) => part.trim())) {
    if (!line) continue;
    const [name, given, ...more] = line.split("=").map((part) => part.trim());
    if (!name || !given || more.length > 0) throw new Error(`“${line}”: wanted NAME=A:B:STEP or NAME=V1,V2`);
    grid[name] = given.includes(":") ? range(line, given) : given.split(",").map((part) => value(part.trim()));
  }
  if (Object.keys(grid).length === 0) throw new Error("Name at least one parameter, such as fast=5:20:5");
  return grid;
}

/** Sets that a grid has. */
export function countSets(grid: Grid): number {
  return Object.values(grid).reduce((all, values) => all * values.length, 1);
}

function range(line: string, given: string): number[] {
  const parts = given.split(":").map(Number);
  const [low, high, step = 1] = parts;
  const isWrong = parts.length > 3 || parts.some((part) => !Number.isFinite(part));
  if (isWrong || low === undefined || high === undefined || high < low || step <= 0) {
    throw new Error(`“${line}”: wanted NAME=A:B:STEP with A at most B and a step above 0`);
  }
  const count = Math.floor((high - low) / step + 1e-9) + 1;
  if (count > MOST) throw new Error(`“${line}”: ${count} values, wanted at most ${MOST}`);
  return Array.from({ length: count }, (_, at) => Number((low + step * at).toPrecision(12)));
}

function value(text: string): Value {
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return text !== "" && Number.isFinite(number) ? number : text;
}
