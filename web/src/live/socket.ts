/** One stream to the server: it connects again by itself and notices what it missed. */

export type LiveState = "connecting" | "open" | "lost";

export interface LiveMessage {
  readonly type: string;
  readonly topic?: string;
  readonly seq?: number;
  readonly ts: string;
  readonly data: unknown;
}

export interface LiveView {
  readonly state: LiveState;
  /** When the stream was last known to be alive, ms since 1970; 0 before the first time. */
  readonly aliveAt: number;
}

/** Full jitter: a random wait up to a bound that doubles with each failure. */
export function waitMs(failures: number, random: () => number = Math.random): number {
  return random() * Math.min(30_000, 500 * 2 ** failures);
}

/** Whether messages of a topic follow each other without a hole. */
export class Sequence {
  private readonly last = new Map<string, number>();

  reset(): void {
    this.last.clear();
  }

  /** Takes a message; false means that something before it was missed. */
  follows(message: LiveMessage): boolean {
    if (message.topic === undefined || message.seq === undefined) return true;
    const before = this.last.get(message.topic);
    this.last.set(message.topic, message.seq);
    return before === undefined || message.seq === before + 1;
  }
}

export class LiveSocket {
  private socket: WebSocket | null = null;
  private failures = 0;
  private timer = 0;
  private closed = false;
  private readonly sequence = new Sequence();
  private readonly listeners = new Set<() => void>();
  private view: LiveView = { state: "connecting", aliveAt: 0 };

  constructor(
    private readonly url: string,
    private readonly topics: readonly string[],
    private readonly onMessage: (message: LiveMessage) => void,
    private readonly onGap: () => void,
  ) {}

  start(): void {
    this.closed = false;
    this.connect();
  }

  stop(): void {
    this.closed = true;
    window.clearTimeout(this.timer);
    this.socket?.close();
  }

  /** Asks for new snapshots, which the changes then follow; false when there is no stream. */
  refresh(): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify({ type: "subscribe", topics: this.topics }));
    return true;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): LiveView => this.view;

  private show(state: LiveState): void {
    const now = Date.now();
    if (state === this.view.state && now - this.view.aliveAt < 1_000) return;
    this.view = { state, aliveAt: state === "open" ? now : this.view.aliveAt };
    for (const listener of this.listeners) listener();
  }

  private connect(): void {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.sequence.reset();
    socket.onopen = () => {
      this.failures = 0;
      socket.send(JSON.stringify({ type: "subscribe", topics: this.topics }));
    };
    socket.onmessage = (event: MessageEvent<string>) => {
      const message = JSON.parse(event.data) as LiveMessage;
      this.show("open");
      if (!this.sequence.follows(message)) this.onGap();
      this.onMessage(message);
    };
    socket.onclose = () => {
      if (this.closed) return;
      this.show(this.failures > 0 || this.view.aliveAt > 0 ? "lost" : "connecting");
      this.timer = window.setTimeout(() => this.connect(), waitMs(this.failures));
      this.failures += 1;
    };
  }
}
