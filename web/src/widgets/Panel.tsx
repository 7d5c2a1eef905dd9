import { Component, type ReactNode } from "react";

import { ApiError } from "../api/client";
import { Icon } from "./Icon";

interface PanelProps {
  title: ReactNode;
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
  label?: string;
}

/** A region with a title line; its failure never reaches beyond its border. */
export function Panel({ title, note, actions, children, className = "", label }: PanelProps) {
  return (
    <section className={`panel ${className}`} aria-label={label ?? (typeof title === "string" ? title : undefined)}>
      <header className="panel-head">
        <h2>{title}</h2>
        {note ? <span className="panel-note">{note}</span> : null}
        {actions ? <div className="panel-actions">{actions}</div> : null}
      </header>
      <Boundary>{children}</Boundary>
    </section>
  );
}

class Boundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <Notice icon="warn" title="This part of the page could not be drawn">
        <button className="button" onClick={() => this.setState({ failed: false })}>
          Try again
        </button>
      </Notice>
    );
  }
}

interface NoticeProps {
  icon: "warn" | "dash" | "check" | "data";
  title: string;
  children?: ReactNode;
}

export function Notice({ icon, title, children }: NoticeProps) {
  return (
    <div className={`notice notice-${icon}`}>
      <Icon name={icon} size={20} />
      <div>
        <p className="notice-title">{title}</p>
        {children}
      </div>
    </div>
  );
}

/** What went wrong, in the server's words, with the id to find it in the log. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const known = error instanceof ApiError ? error : null;
  return (
    <div className="notice notice-warn" role="alert">
      <Icon name="warn" size={20} />
      <div>
        <p className="notice-title">{known?.message ?? "Something went wrong in this page"}</p>
        {known?.requestId ? (
          <p className="muted">
            <code>{known.code}</code> · request <code>{known.requestId}</code>
          </p>
        ) : null}
        {retry ? (
          <button className="button" onClick={retry}>
            <Icon name="retry" size={16} /> Try again
          </button>
        ) : null}
      </div>
    </div>
  );
}

/** The page's own shape in grey while it loads. */
export function Skeleton({ lines = 3, tall = false }: { lines?: number; tall?: boolean }) {
  return (
    <div className="skeleton" role="status" aria-label="Loading">
      {tall ? <span className="bone bone-tall" /> : null}
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} className={`bone bone-${index % 3}`} />
      ))}
    </div>
  );
}

interface Asked<T> {
  data: T | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

/** Shows a query: its shape while it loads, its error where it failed, else its data. */
export function Loaded<T>({
  query,
  skeleton,
  children,
}: {
  query: Asked<T>;
  skeleton?: ReactNode;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />;
  return skeleton ?? <Skeleton />;
}
