/** The icon set: one stroke, 20 px grid, drawn for this page. */

const PATHS = {
  home: "M3.5 9.2 10 3.8l6.5 5.4M5.2 8v8h3.3v-4.4h3V16h3.3V8",
  result: "M3.5 16.5h13M4.5 13l3.4-4 2.9 2.4L15.5 5.5M12.3 5.5h3.2v3.2",
  trade: "M4 7h11.5m0 0-3-3m3 3-3 3M16 13H4.5m0 0 3-3m-3 3 3 3",
  grid: "M3.8 3.8h12.4v12.4H3.8zM3.8 8h12.4M3.8 12h12.4M8 3.8v12.4M12 3.8v12.4",
  book: "M4.5 4.2h4A1.8 1.8 0 0 1 10 6v10a1.6 1.6 0 0 0-1.5-1.4h-4zm11 0h-4A1.8 1.8 0 0 0 10 6v10a1.6 1.6 0 0 1 1.5-1.4h4z",
  sun: "M10 6.6a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8M10 2.5v1.6M10 15.9v1.6M2.5 10h1.6M15.9 10h1.6M4.7 4.7l1.1 1.1M14.2 14.2l1.1 1.1M4.7 15.3l1.1-1.1M14.2 5.8l1.1-1.1",
  moon: "M16 11.6A6.5 6.5 0 0 1 8.4 4a6.5 6.5 0 1 0 7.6 7.6",
  screen: "M3.5 4.5h13v8.6h-13zM8 16h4M10 13.1V16",
  right: "m8 5 5 5-5 5",
  left: "m12 5-5 5 5 5",
  play: "M6.5 4.5v11l9-5.5z",
  pause: "M7 5v10M13 5v10",
  stop: "M5.5 5.5h9v9h-9z",
  flatten: "M3.5 16h13M5.5 4v4.5M10 4v8m0 0-2.8-2.8M10 12l2.8-2.8M14.5 4v4.5",
  check: "m4.5 10.5 3.5 3.5 7.5-8",
  cross: "m5.5 5.5 9 9m0-9-9 9",
  warn: "M10 3.6 17 16H3zM10 8v3.8M10 13.9v.2",
  dash: "M5.5 10h9",
  out: "M11.5 4h4.5v4.5M16 4l-7 7M13.5 11.5V16h-9.5V6.5h4.5",
  keys: "M2.8 5.5h14.4v9H2.8zM5.5 8.4h.1M8.4 8.4h.1M11.4 8.4h.1M14.4 8.4h.1M6.5 11.6h7",
  data: "M4 5.6c0-1.2 2.7-2.1 6-2.1s6 .9 6 2.1-2.7 2.1-6 2.1-6-.9-6-2.1m0 0v8.8c0 1.2 2.7 2.1 6 2.1s6-.9 6-2.1V5.6M4 10c0 1.2 2.7 2.1 6 2.1s6-.9 6-2.1",
  retry: "M15.8 8.2A6.2 6.2 0 1 0 16.2 11M16 4.3v4h-4",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
