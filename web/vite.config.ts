import react from "@vitejs/plugin-react";
import { copyFileSync, mkdirSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

const out = "../src/tradewright/api/ui";

/** Copies the API reference's reader beside the page, so that /docs asks no other host. */
function reference(): Plugin {
  return {
    name: "reference",
    apply: "build",
    closeBundle() {
      mkdirSync(`${out}/swagger`, { recursive: true });
      for (const file of ["swagger-ui.css", "swagger-ui-bundle.js"]) {
        copyFileSync(`node_modules/swagger-ui-dist/${file}`, `${out}/swagger/${file}`);
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), reference()],
  build: {
    outDir: out,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": { target: "http://127.0.0.1:8000", ws: true } } },
});
