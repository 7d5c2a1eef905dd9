import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useContext } from "react";

import { LiveContext, useLive } from "../live/useLive";
import { longer } from "../live/apply";
import { client, must, type PaperEquity, type Schemas } from "./client";

const FALLBACK_MS = 5_000;

/** While the stream is open it alone speaks; without it the page asks now and then. */
function useFallback(): { enabled: boolean; refetchInterval: number } {
  return { enabled: useLive().state !== "open", refetchInterval: FALLBACK_MS };
}

export const useHealth = () =>
  useQuery({
    queryKey: ["health"],
    queryFn: () => must(client.GET("/api/v1/health")),
    refetchInterval: 15_000,
  });

export const useRuns = () =>
  useQuery({
    queryKey: ["runs"],
    queryFn: () => must(client.GET("/api/v1/runs", { params: { query: { limit: 100 } } })),
  });

export const useRun = (runId: string) =>
  useQuery({
    queryKey: ["run", runId],
    queryFn: () => must(client.GET("/api/v1/runs/{run_id}", { params: { path: { run_id: runId } } })),
    staleTime: Infinity,
  });

export const useRunEquity = (runId: string | undefined) =>
  useQuery({
    queryKey: ["run", runId, "equity"],
    queryFn: () =>
      must(
        client.GET("/api/v1/runs/{run_id}/equity", { params: { path: { run_id: runId ?? "" } } }),
      ),
    enabled: runId !== undefined,
    staleTime: Infinity,
  });

export const useRunAnalysis = (runId: string) =>
  useQuery({
    queryKey: ["run", runId, "analysis"],
    queryFn: () =>
      must(client.GET("/api/v1/runs/{run_id}/analysis", { params: { path: { run_id: runId } } })),
  });

export const useRunTrades = (runId: string, sort: string, symbol: string | null) =>
  useInfiniteQuery({
    queryKey: ["run", runId, "trades", sort, symbol],
    queryFn: ({ pageParam }) =>
      must(
        client.GET("/api/v1/runs/{run_id}/trades", {
          params: {
            path: { run_id: runId },
            query: {
              limit: 100,
              sort,
              ...(symbol ? { symbol } : {}),
              ...(pageParam ? { cursor: pageParam } : {}),
            },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    staleTime: Infinity,
  });

export const useRunBars = (runId: string, symbol: string | null, trade: number | null) =>
  useQuery({
    queryKey: ["run", runId, "bars", symbol, trade],
    queryFn: () =>
      must(
        client.GET("/api/v1/runs/{run_id}/bars", {
          params: {
            path: { run_id: runId },
            query: { symbol: symbol ?? "", ...(trade === null ? {} : { trade }), margin: 80 },
          },
        }),
      ),
    enabled: symbol !== null,
    staleTime: Infinity,
    placeholderData: (before) => before,
  });

export const useDataOverview = () =>
  useQuery({
    queryKey: ["data"],
    queryFn: () => must(client.GET("/api/v1/data/overview")),
  });

export const usePaperSources = () =>
  useQuery({
    queryKey: ["runs", "sources"],
    queryFn: () => must(client.GET("/api/v1/paper/sources")),
  });

export const useSweeps = () =>
  useQuery({
    queryKey: ["runs", "sweeps"],
    queryFn: () => must(client.GET("/api/v1/sweeps", { params: { query: { limit: 100 } } })),
  });

export const useSweep = (sweepId: string) =>
  useQuery({
    queryKey: ["sweep", sweepId],
    queryFn: () => must(client.GET("/api/v1/sweeps/{sweep_id}", { params: { path: { sweep_id: sweepId } } })),
  });

export const useJobs = () =>
  useQuery({
    queryKey: ["jobs"],
    queryFn: () => must(client.GET("/api/v1/jobs", { params: { query: { limit: 20 } } })),
    ...useFallback(),
  });

export const usePaper = () =>
  useQuery({
    queryKey: ["paper", "status"],
    queryFn: () => must(client.GET("/api/v1/paper")),
    ...useFallback(),
  });

/** Asked at intervals also while the stream is open: another process may order a halt. */
export const useRisk = () =>
  useQuery({
    queryKey: ["risk", "status"],
    queryFn: () => must(client.GET("/api/v1/risk")),
    refetchInterval: 15_000,
  });

export const useRiskEvents = () =>
  useQuery({
    queryKey: ["risk", "events"],
    queryFn: () => must(client.GET("/api/v1/risk/events")),
    ...useFallback(),
  });

export const usePaperPositions = () =>
  useQuery({
    queryKey: ["paper", "positions"],
    queryFn: () => must(client.GET("/api/v1/paper/positions")),
    ...useFallback(),
  });

export const usePaperOrders = () =>
  useQuery({
    queryKey: ["paper", "orders"],
    queryFn: () => must(client.GET("/api/v1/paper/orders", { params: { query: { limit: 200 } } })),
    ...useFallback(),
  });

export const usePaperFills = () =>
  useQuery({
    queryKey: ["paper", "fills"],
    queryFn: () => must(client.GET("/api/v1/paper/fills", { params: { query: { limit: 200 } } })),
    ...useFallback(),
  });

export const usePaperEquity = () =>
  useQuery({
    queryKey: ["paper", "equity"],
    queryFn: () => must(client.GET("/api/v1/paper/equity")),
    structuralSharing: (old, fresh) => longer(old as PaperEquity | undefined, fresh as PaperEquity),
    ...useFallback(),
  });

export type PaperAct = "pause" | "resume" | "flatten" | "stop";

function act(what: PaperAct): Promise<unknown> {
  switch (what) {
    case "pause":
      return must(client.POST("/api/v1/paper/pause"));
    case "resume":
      return must(client.POST("/api/v1/paper/resume"));
    case "flatten":
      return must(client.POST("/api/v1/paper/flatten"));
    case "stop":
      return must(client.POST("/api/v1/paper/stop"));
  }
}

/** Brings the account up to date after an act: by a new snapshot, or by asking. */
function useRefresh(...key: string[]): () => void {
  const queries = useQueryClient();
  const socket = useContext(LiveContext);
  return () => {
    if (!socket?.refresh()) void queries.invalidateQueries({ queryKey: key });
  };
}

/** The levers of the paper account; nothing is shown as done before the server says so. */
export function usePaperAct() {
  return useMutation({ mutationFn: act, onSettled: useRefresh("paper") });
}

export function useStartPaper() {
  return useMutation({
    mutationFn: (body: Schemas["PaperStartBody"]) =>
      must(client.POST("/api/v1/paper/start", { body })),
    onSettled: useRefresh("paper"),
  });
}

export function useRunStudy() {
  return useMutation({
    mutationFn: (name: string) =>
      must(
        client.POST("/api/v1/studies/{name}/run", { params: { path: { name } }, body: {} }),
      ),
    onSettled: useRefresh("jobs"),
  });
}

export function useRunSweep() {
  return useMutation({
    mutationFn: (body: Schemas["SweepBody"]) => must(client.POST("/api/v1/sweeps", { body })),
    onSettled: useRefresh("jobs"),
  });
}

/** Backtests one set of a sweep; the job says where its run is. */
export function useRunSweepSet(sweepId: string) {
  return useMutation({
    mutationFn: (parameters: Schemas["SweepChoice"]["parameters"]) =>
      must(
        client.POST("/api/v1/sweeps/{sweep_id}/run", {
          params: { path: { sweep_id: sweepId } },
          body: { parameters },
        }),
      ),
    onSettled: useRefresh("jobs"),
  });
}

export function useCancelJob() {
  return useMutation({
    mutationFn: (jobId: string) =>
      must(client.POST("/api/v1/jobs/{job_id}/cancel", { params: { path: { job_id: jobId } } })),
    onSettled: useRefresh("jobs"),
  });
}
