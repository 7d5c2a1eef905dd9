import { useRef, type KeyboardEvent, type ReactNode } from "react";

export interface Column<T> {
  readonly key: string;
  readonly head: string;
  readonly cell: (row: T) => ReactNode;
  readonly align?: "right";
  /** Name the server sorts by; the head becomes a button. */
  readonly sort?: string;
  /** Left out on phones, where a row becomes a card. */
  readonly wideOnly?: boolean;
}

interface DataTableProps<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  onOpen?: (row: T) => void;
  selected?: string | null;
  sort?: string;
  onSort?: (sort: string) => void;
}

/** A dense table; on a phone each row is a card. j, k and the arrows move, Enter opens. */
export function DataTable<T>(props: DataTableProps<T>) {
  const { label, columns, rows, rowKey, onOpen, selected, sort, onSort } = props;
  const body = useRef<HTMLTableSectionElement>(null);

  const move = (event: KeyboardEvent<HTMLTableRowElement>, row: T): void => {
    const at = event.currentTarget;
    const step = { j: "next", ArrowDown: "next", k: "back", ArrowUp: "back" }[event.key];
    if (step) {
      event.preventDefault();
      const to = step === "next" ? at.nextElementSibling : at.previousElementSibling;
      if (to instanceof HTMLElement) to.focus();
    } else if (event.key === "Enter" && onOpen && event.target === at) {
      event.preventDefault();
      onOpen(row);
    }
  };

  return (
    <div className="table-frame" role="region" aria-label={`${label}, table`} tabIndex={0}>
      <table className="data" role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <HeadCell key={column.key} column={column} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup" ref={body}>
          {rows.map((row) => {
            const key = rowKey(row);
            const isSelected = selected === key;
            return (
              <tr
                key={key}
                role="row"
                data-row={key}
                className={`${onOpen ? "opens" : ""} ${isSelected ? "selected" : ""}`}
                aria-current={isSelected || undefined}
                tabIndex={onOpen ? 0 : undefined}
                onClick={onOpen ? () => onOpen(row) : undefined}
                onKeyDown={onOpen ? (event) => move(event, row) : undefined}
              >
                {columns.map((column) => (
                  <td
                    key={column.key}
                    role="cell"
                    data-head={column.head}
                    className={`${column.align ?? ""} ${column.wideOnly ? "wide-only" : ""}`}
                  >
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function HeadCell<T>({
  column,
  sort,
  onSort,
}: {
  column: Column<T>;
  sort: string | undefined;
  onSort: ((sort: string) => void) | undefined;
}) {
  const name = column.sort;
  const isUp = name !== undefined && sort === name;
  const isDown = name !== undefined && sort === `-${name}`;
  const order = isUp ? "ascending" : isDown ? "descending" : undefined;
  return (
    <th
      role="columnheader"
      scope="col"
      aria-sort={order}
      className={`${column.align ?? ""} ${column.wideOnly ? "wide-only" : ""}`}
    >
      {name && onSort ? (
        <button type="button" className="sort" onClick={() => onSort(isDown ? name : `-${name}`)}>
          {column.head}
          <span aria-hidden="true">{isUp ? " ↑" : isDown ? " ↓" : ""}</span>
        </button>
      ) : (
        column.head
      )}
    </th>
  );
}
