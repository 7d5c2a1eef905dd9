import { Icon, type IconName } from "./Icon";

interface Look {
  tone: "good" | "fair" | "bad" | "plain";
  icon: IconName;
  text: string;
}

const VERDICTS: Record<string, Look> = {
  supported: { tone: "good", icon: "check", text: "Supported" },
  weak: { tone: "fair", icon: "warn", text: "Weak" },
  "no evidence": { tone: "bad", icon: "cross", text: "No evidence" },
  leak: { tone: "bad", icon: "cross", text: "Leak" },
  incomplete: { tone: "plain", icon: "dash", text: "Incomplete" },
};

const STATES: Record<string, Look> = {
  FAILED: { tone: "bad", icon: "cross", text: "Failed" },
  CANCELLED: { tone: "plain", icon: "dash", text: "Cancelled" },
};

export function verdictLook(word: string, status = "COMPLETED"): Look {
  return (
    STATES[status] ?? VERDICTS[word] ?? { tone: "plain", icon: "dash", text: word || "Not judged" }
  );
}

export function VerdictBadge({ word, status }: { word: string; status?: string }) {
  const look = verdictLook(word, status);
  return (
    <span className={`badge badge-${look.tone}`}>
      <Icon name={look.icon} size={13} />
      {look.text}
    </span>
  );
}
