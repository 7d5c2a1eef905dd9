import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";

import { usePaper } from "./api/queries";
import { applyMessage } from "./live/apply";
import { LiveSocket } from "./live/socket";
import { LiveContext } from "./live/useLive";
import { Home } from "./pages/Home";
import { RunPage } from "./pages/RunPage";
import { SweepPage } from "./pages/SweepPage";
import { SweepsPage } from "./pages/SweepsPage";
import { TradePage } from "./pages/TradePage";
import { Frame } from "./pages/Frame";
import { ShortcutList } from "./pages/ShortcutList";
import { type Shortcut, useShortcuts } from "./state/keys";
import { go, usePlace } from "./state/router";
import { nextTheme } from "./state/theme";
import { Link } from "./widgets/Link";

const TOPICS = ["paper.*", "risk", "risk.event", "jobs"];

function useLiveSocket(): LiveSocket {
  const queries = useQueryClient();
  const socket = useMemo((): LiveSocket => {
    const scheme = window.location.protocol === "https:" ? "wss" : "ws";
    const made: LiveSocket = new LiveSocket(
      `${scheme}://${window.location.host}/api/v1/ws/live`,
      TOPICS,
      (message) => applyMessage(queries, message),
      () => void made.refresh(),
    );
    return made;
  }, [queries]);
  useEffect(() => {
    socket.start();
    return () => socket.stop();
  }, [socket]);
  return socket;
}

export function App() {
  const socket = useLiveSocket();
  return (
    <LiveContext value={socket}>
      <Pages />
    </LiveContext>
  );
}

function Pages() {
  const { path } = usePlace();
  const [showsKeys, setShowsKeys] = useState(false);
  const shortcuts = useMemo<Shortcut[]>(
    () => [
      { keys: "g h", what: "Home", act: () => go("/") },
      { keys: "g b", what: "Latest result", act: () => go("/runs/latest") },
      { keys: "g s", what: "Sweeps", act: () => go("/sweeps") },
      { keys: "g t", what: "Trade", act: () => go("/trade") },
      { keys: "T", what: "Next theme: light, dark, system", act: nextTheme },
      { keys: "j", what: "Next row of a table", act: () => enterTable("first") },
      { keys: "k", what: "Previous row of a table", act: () => enterTable("last") },
      { keys: "?", what: "This list", act: () => setShowsKeys(true) },
    ],
    [],
  );
  useShortcuts(shortcuts, !showsKeys);
  usePageTitle(path);
  return (
    <Frame path={path} onKeys={() => setShowsKeys(true)}>
      {pageAt(path)}
      {showsKeys ? <ShortcutList shortcuts={shortcuts} onClose={() => setShowsKeys(false)} /> : null}
    </Frame>
  );
}

function pageAt(path: string) {
  if (path === "/") return <Home />;
  if (path === "/trade") return <TradePage />;
  if (path === "/sweeps") return <SweepsPage />;
  const sweep = /^\/sweeps\/([0-9a-f]{16})$/.exec(path);
  if (sweep?.[1]) return <SweepPage key={sweep[1]} sweepId={sweep[1]} />;
  const run = /^\/runs\/([A-Za-z0-9_-]{1,64})$/.exec(path);
  if (run?.[1]) return <RunPage key={run[1]} runId={run[1]} />;
  return (
    <div className="page">
      <h1>There is nothing at this address</h1>
      <p>
        <Link href="/">Go to the home page</Link>
      </p>
    </div>
  );
}

function usePageTitle(path: string): void {
  const paper = usePaper();
  const isActive = ["RUNNING", "PAUSED", "STARTING"].includes(paper.data?.state ?? "");
  useEffect(() => {
    const name = path === "/" ? "Home" : path.startsWith("/runs/") ? "Result" : path.startsWith("/sweeps") ? "Sweeps" : "Trade";
    document.title = `${isActive ? "PAPER · " : ""}${name} – tradewright`;
  }, [path, isActive]);
}

/** Moves into the first table of the page; inside it the rows take the keys themselves. */
function enterTable(which: "first" | "last"): void {
  if (document.activeElement?.closest("table.data tbody")) return;
  const rows = document.querySelectorAll<HTMLElement>("table.data tr.opens");
  rows[which === "first" ? 0 : rows.length - 1]?.focus();
}
