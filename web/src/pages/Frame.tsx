import { useEffect, useState, type ReactNode } from "react";

import { useHealth, usePaper } from "../api/queries";
import * as format from "../format";
import { useLive } from "../live/useLive";
import { nextTheme, useThemeChoice } from "../state/theme";
import { Icon, type IconName } from "../widgets/Icon";
import { Link } from "../widgets/Link";

interface Entry {
  href: string;
  name: string;
  icon: IconName;
  isHere: (path: string) => boolean;
}

const ENTRIES: readonly Entry[] = [
  { href: "/", name: "Home", icon: "home", isHere: (path) => path === "/" },
  { href: "/runs/latest", name: "Result", icon: "result", isHere: (path) => path.startsWith("/runs/") },
  { href: "/sweeps", name: "Sweeps", icon: "grid", isHere: (path) => path.startsWith("/sweeps") },
  { href: "/trade", name: "Trade", icon: "trade", isHere: (path) => path === "/trade" },
];

const SIDE = "tradewright.side";

interface FrameProps {
  path: string;
  onKeys: () => void;
  children: ReactNode;
}

/** What every page stands in: banner, navigation, top line, footer. */
export function Frame({ path, onKeys, children }: FrameProps) {
  const [isWide, setIsWide] = useState(() => window.localStorage.getItem(SIDE) === "wide");
  const toggle = (): void => {
    window.localStorage.setItem(SIDE, isWide ? "narrow" : "wide");
    setIsWide(!isWide);
  };
  return (
    <div className={`frame ${isWide ? "frame-wide" : ""}`}>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <ModeBanner />
      <nav className="side" aria-label="Pages">
        <Link href="/" className="brand" aria-label="tradewright, home">
          <img src="/favicon.svg" alt="" width="28" height="28" />
          <span className="side-text">tradewright</span>
        </Link>
        <ul>
          {ENTRIES.map((entry) => (
            <li key={entry.href}>
              <Link href={entry.href} aria-current={entry.isHere(path) ? "page" : undefined}>
                <Icon name={entry.icon} size={20} />
                <span className="side-text">{entry.name}</span>
              </Link>
            </li>
          ))}
          <li className="side-api">
            <a href="/docs">
              <Icon name="book" size={20} />
              <span className="side-text">API</span>
            </a>
          </li>
        </ul>
        <button
          className="side-toggle"
          onClick={toggle}
          aria-expanded={isWide}
          aria-label={isWide ? "Collapse the navigation" : "Expand the navigation"}
        >
          <Icon name={isWide ? "left" : "right"} size={14} />
        </button>
      </nav>
      <TopTools onKeys={onKeys} />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <Footer />
    </div>
  );
}

function ModeBanner() {
  const paper = usePaper();
  const status = paper.data;
  if (paper.error || (!status && !paper.isPending)) {
    return (
      <div className="banner banner-unknown" role="status">
        <strong>UNKNOWN MODE</strong>
        <span>The server does not answer. Nothing can be started until it does.</span>
      </div>
    );
  }
  if (status && ["RUNNING", "PAUSED", "STARTING"].includes(status.state)) {
    return (
      <div className="banner banner-paper" role="status">
        <strong>PAPER{status.feed === "REPLAY" ? " · REPLAY" : ""}</strong>
        <span>
          {status.state === "PAUSED" ? "Paused: " : ""}simulated money
          <span className="banner-more">
            {status.feed === "REPLAY" ? `, market of ${format.longDate(status.tape_at)}` : ""}
          </span>
        </span>
        <span className="banner-local">Local mode, no sign-in</span>
      </div>
    );
  }
  return (
    <div className="banner banner-simulation" role="status">
      <strong>SIMULATION</strong>
      <span>
        No account is connected<span className="banner-more">; nothing here can send a real order</span>
      </span>
      <span className="banner-local">Local mode, no sign-in</span>
    </div>
  );
}

const THEME_ICON = { light: "sun", dark: "moon", system: "screen" } as const;

function TopTools({ onKeys }: { onKeys: () => void }) {
  const theme = useThemeChoice();
  return (
    <header className="tools">
      <Clock />
      <button className="tool tool-keys" onClick={onKeys} aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)">
        <Icon name="keys" />
      </button>
      <button className="tool" onClick={nextTheme} aria-label={`Theme: ${theme}. Change`} title={`Theme: ${theme} (T)`}>
        <Icon name={THEME_ICON[theme]} />
      </button>
    </header>
  );
}

function Clock() {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(new Date()), 15_000);
    return () => window.clearInterval(timer);
  }, []);
  return (
    <time className="clock" dateTime={now.toISOString()}>
      {now.toISOString().slice(11, 16)} UTC
    </time>
  );
}

function Footer() {
  const health = useHealth();
  const live = useLive();
  const api = health.error ? "bad" : health.data?.status === "ok" ? "good" : "fair";
  const stream = live.state === "open" ? "good" : live.state === "lost" ? "bad" : "fair";
  return (
    <footer className="foot">
      <span className={`dot dot-${api}`}>
        API {health.error ? "not reachable" : (health.data?.status ?? "…")}
      </span>
      <span className={`dot dot-${stream}`}>
        Stream {live.state === "open" ? "live" : live.state === "lost" ? "reconnecting" : "connecting"}
      </span>
      <span className="foot-end">
        <a href="https://www.tradingview.com/" rel="noreferrer">
          Price charts by TradingView
        </a>
        {health.data ? <span>tradewright {health.data.version}</span> : null}
      </span>
    </footer>
  );
}
