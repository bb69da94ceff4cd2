import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Development and preview ask a real server: ASSAY_URL, or where `assay demo` listens.
const server = process.env.ASSAY_URL ?? "http://127.0.0.1:8080";
const proxy = Object.fromEntries(
  ["/v1", "/openapi.json", "/docs", "/healthz", "/readyz", "/metrics"].map((path) => [path, { target: server, changeOrigin: true }]),
);
// What the server sends with its pages, so that a breach shows in the preview too.
const policy =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
  "object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: true,
  },
  server: { proxy },
  preview: { proxy, headers: { "Content-Security-Policy": policy } },
});
