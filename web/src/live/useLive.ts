import { createContext, useContext, useSyncExternalStore } from "react";

import type { LiveSocket, LiveView } from "./socket";

export const LiveContext = createContext<LiveSocket | null>(null);

const NONE: LiveView = { state: "connecting", aliveAt: 0 };

export function useLive(): LiveView {
  const socket = useContext(LiveContext);
  return useSyncExternalStore(
    (listener) => socket?.subscribe(listener) ?? (() => undefined),
    () => socket?.snapshot() ?? NONE,
  );
}
