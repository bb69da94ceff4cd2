import "./base.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/client";
import { Router } from "wouter";
import { useExactLocation, useExactSearch } from "./app/address";
import { App } from "./app/App";
import { ShortcutProvider } from "./app/shortcuts";
import { SessionProvider } from "./app/session";
import { ToastProvider } from "./app/toasts";
import { WordsProvider } from "./i18n";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: false,
      // What the server refuses it refuses again; what it had no room for may be there in a moment.
      retry: (count, cause) => count < 2 && cause instanceof ApiError && [0, 429, 503].includes(cause.status),
    },
  },
});

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <WordsProvider>
        <SessionProvider>
          <ToastProvider>
            <ShortcutProvider>
              <Router hook={useExactLocation} searchHook={useExactSearch}>
                <App />
              </Router>
            </ShortcutProvider>
          </ToastProvider>
        </SessionProvider>
      </WordsProvider>
    </QueryClientProvider>
  </StrictMode>,
);
