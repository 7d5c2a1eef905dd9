import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { ApiError } from "./api/client";
import { App } from "./App";
import "./state/theme";
import "./theme/tokens.css";
import "./theme/frame.css";
import "./theme/widgets.css";
import "./theme/pages.css";
import "./theme/sweeps.css";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: false,
      networkMode: "always",
      // A refusal stays a refusal; only silence is worth asking again.
      retry: (count, error) => error instanceof ApiError && error.status === 503 && count < 2,
    },
    mutations: { networkMode: "always" },
  },
});

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
}
