/** Numbers and times as people read them: true minus, thin spaces, sign on changes, tabular. */

const DASH = "–";
const MINUS = "\u2212";
const THIN = "\u202f";

type Maybe = number | string | null | undefined;

function toNumber(value: Maybe): number | null {
  if (value === null || value === undefined || value === "") return null;
  const number = typeof value === "number" ? value : Number(value);
  return Number.isFinite(number) ? number : null;
}

function grouped(value: number, digits: number, sign: boolean): string {
  const text = Math.abs(value).toFixed(digits);
  const isZero = Number(text) === 0;
  const [whole = "0", rest] = text.split(".");
  const spaced = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+(?!\d))/g, THIN) : whole;
  const mark = isZero ? "" : value < 0 ? MINUS : sign ? "+" : "";
  return mark + spaced + (rest ? `.${rest}` : "");
}

export function number(value: Maybe, digits = 2, sign = false): string {
  const found = toNumber(value);
  return found === null ? DASH : grouped(found, digits, sign);
}

/** A fraction as percent: 0.0123 is 1.23 %. */
export function percent(value: Maybe, digits = 2, sign = false): string {
  const found = toNumber(value);
  return found === null ? DASH : `${grouped(found * 100, digits, sign)}${THIN}%`;
}

export function money(value: Maybe, sign = false, digits = 2): string {
  return number(value, digits, sign);
}

/** A quantity without zeros that say nothing. */
export function quantity(value: Maybe): string {
  const found = toNumber(value);
  if (found === null) return DASH;
  const text = Math.abs(found).toFixed(Math.abs(found) >= 100 ? 2 : 4).replace(/\.?0+$/, "");
  const digits = text.includes(".") ? (text.split(".")[1] ?? "").length : 0;
  return grouped(found, digits, false);
}

/** A metric in its unit. */
export function inUnit(value: Maybe, unit: string): string {
  switch (unit) {
    case "fraction":
      return percent(value);
    case "count":
    case "sessions":
      return number(value, 0);
    case "bps":
    case "bars":
      return number(value, 1);
    case "precise":
      return number(value, Math.abs(Number(value)) >= 1000 ? 0 : 4);
    case "probability":
      return number(value, 3);
    default:
      return number(value, 2);
  }
}

export function date(moment: string | null | undefined): string {
  return moment ? moment.slice(0, 10) : DASH;
}

/** Date and time in UTC; the zone stands in the header of the column. */
export function dateTime(moment: string | null | undefined): string {
  return moment ? `${moment.slice(0, 10)} ${moment.slice(11, 16)}` : DASH;
}

export function longDate(moment: string | null | undefined): string {
  if (!moment) return DASH;
  return new Date(moment).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
    timeZone: "UTC",
  });
}

export function ago(moment: string | null | undefined, now: number = Date.now()): string {
  if (!moment) return DASH;
  const seconds = Math.max(0, (now - Date.parse(moment)) / 1000);
  if (seconds < 45) return "just now";
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h ago`;
  return date(moment);
}

export function duration(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return "";
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** Which way a change goes: words for colour classes and arrows. */
export function direction(value: Maybe): "up" | "down" | "flat" {
  const found = toNumber(value);
  if (found === null || Math.abs(found) < 1e-12) return "flat";
  return found > 0 ? "up" : "down";
}

/** A benchmark's name where there is room for few letters. */
export function shortName(name: string): string {
  return name.length <= 6 ? name : "Benchmark";
}
