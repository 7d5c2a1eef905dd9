import type { Shortcut } from "../state/keys";
import { Dialog } from "../widgets/Dialog";

export function ShortcutList({ shortcuts, onClose }: { shortcuts: readonly Shortcut[]; onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className="keys">
        {[...shortcuts, { keys: "Enter", what: "Open the row" }].map((item) => (
          <div key={item.keys}>
            <dt>
              {item.keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{item.what}</dd>
          </div>
        ))}
      </dl>
      <div className="dialog-actions">
        <button className="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
