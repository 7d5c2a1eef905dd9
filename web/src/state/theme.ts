import { useSyncExternalStore } from "react";

export type ThemeChoice = "light" | "dark" | "system";

const KEY = "tradewright.theme";
const ORDER: readonly ThemeChoice[] = ["light", "dark", "system"];
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function stored(): ThemeChoice {
  const value = window.localStorage.getItem(KEY);
  return ORDER.find((choice) => choice === value) ?? "light";
}

let choice = stored();

function apply(): void {
  document.documentElement.dataset["theme"] = effectiveTheme();
  for (const listener of listeners) listener();
}

export function effectiveTheme(): "light" | "dark" {
  if (choice === "system") return prefersDark.matches ? "dark" : "light";
  return choice;
}

export function setTheme(next: ThemeChoice): void {
  choice = next;
  window.localStorage.setItem(KEY, next);
  apply();
}

/** Goes on to the next of light, dark, system. */
export function nextTheme(): void {
  setTheme(ORDER[(ORDER.indexOf(choice) + 1) % ORDER.length] ?? "light");
}

prefersDark.addEventListener("change", apply);
apply();

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useThemeChoice(): ThemeChoice {
  return useSyncExternalStore(listen, () => choice);
}

/** The theme in force; charts are redrawn when it changes. */
export function useTheme(): "light" | "dark" {
  return useSyncExternalStore(listen, effectiveTheme);
}

/** A colour of the theme in force, for canvases. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
