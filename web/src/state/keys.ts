import { useEffect } from "react";

export interface Shortcut {
  /** "g h" is g, then h; single keys stand alone. */
  readonly keys: string;
  readonly what: string;
  readonly act: () => void;
}

const WAIT_MS = 1200;

/** Whether a key belongs to what has the focus and not to the page. */
function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** Follows key presses and says which shortcut they complete. */
export function matcher(shortcuts: readonly Shortcut[]): (key: string, now: number) => Shortcut | null {
  let before = "";
  let at = 0;
  return (key, now) => {
    const pair = now - at < WAIT_MS ? `${before} ${key}` : key;
    const found =
      shortcuts.find((item) => item.keys === pair) ?? shortcuts.find((item) => item.keys === key);
    before = found ? "" : key;
    at = now;
    return found ?? null;
  };
}

export function useShortcuts(shortcuts: readonly Shortcut[], enabled: boolean): void {
  useEffect(() => {
    if (!enabled) return;
    const match = matcher(shortcuts);
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      const found = match(event.key, event.timeStamp);
      if (found) {
        event.preventDefault();
        found.act();
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [shortcuts, enabled]);
}
