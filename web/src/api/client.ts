import createClient from "openapi-fetch";

import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type RunRow = Schemas["RunRow"];
export type RunDetail = Schemas["RunDetail"];
export type MetricValue = Schemas["MetricValue"];
export type TradeRow = Schemas["TradeRow"];
export type EquitySeries = Schemas["EquitySeries"];
export type RunBars = Schemas["RunBars"];
export type Job = Schemas["Job"];
export type PaperStatus = Schemas["PaperStatus"];
export type PaperPosition = Schemas["PaperPosition"];
export type PaperOrder = Schemas["PaperOrder"];
export type PaperFill = Schemas["PaperFill"];
export type RiskStatus = Schemas["RiskStatus"];
export type RiskEventRow = Schemas["RiskEventRow"];
export type LimitUse = Schemas["LimitUse"];
export type PaperEquity = Schemas["PaperEquity"];

export const client = createClient<paths>({ baseUrl: window.location.origin });

/** A refusal as the server said it, or the silence of a server that is gone. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly requestId: string,
  ) {
    super(message);
  }

  get isOffline(): boolean {
    return this.status === 0;
  }
}

interface Reply<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Returns the body of a reply, or throws what the server said instead. */
export async function must<T>(asked: Promise<Reply<T>>): Promise<T> {
  let reply: Reply<T>;
  try {
    reply = await asked;
  } catch {
    throw new ApiError("The server does not answer. Is it still running?", 0, "offline", "");
  }
  if (reply.response.ok && reply.data !== undefined) return reply.data;
  const body = (reply.error ?? {}) as Partial<Schemas["ErrorBody"]>;
  throw new ApiError(
    body.detail ?? `The server answered ${reply.response.status}`,
    reply.response.status,
    body.code ?? "unknown",
    body.request_id ?? reply.response.headers.get("X-Request-ID") ?? "",
  );
}
