"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("has-script");
  const read = (id) => {
    const holder = document.getElementById(id);
    return holder ? JSON.parse(holder.textContent) : null;
  };
  const note = document.getElementById("note");
  const svg = "http://www.w3.org/2000/svg";
  const make = (tag, attributes, text) => {
    const made = document.createElementNS(svg, tag);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  // A chart wider than the page begins at its end: the newest is what is asked for first.
  for (const plot of document.querySelectorAll(".plot")) plot.scrollLeft = plot.scrollWidth;

  // On paper nothing can be unfolded: every table is open there, the manifest's long lists are not.
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("section:not(#manifest, #guards) details:not([open])")];
    for (const part of folded) part.open = true;
  });
  window.addEventListener("afterprint", () => { for (const part of folded) part.open = false; });
  const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
  const minute = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");

  const show = (lines, x, y) => {
    note.replaceChildren(...lines.map((line) => {
      const made = document.createElement("div");
      made.textContent = line;
      return made;
    }));
    note.hidden = false;
    const wide = note.offsetWidth, high = note.offsetHeight;
    const left = Math.min(x + 14, window.scrollX + root.clientWidth - wide - 8);
    const above = y - high - 12 < window.scrollY;
    note.style.left = `${Math.max(left, window.scrollX + 8)}px`;
    note.style.top = `${above ? y + 16 : y - high - 12}px`;
  };
  const hide = () => { note.hidden = true; };

  for (const word of document.querySelectorAll(".def")) {
    const open = () => {
      const box = word.getBoundingClientRect();
      show([word.dataset.note], box.left + window.scrollX - 14, box.top + window.scrollY);
    };
    word.addEventListener("mouseenter", open);
    word.addEventListener("focus", open);
    word.addEventListener("mouseleave", hide);
    word.addEventListener("blur", hide);
  }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  const growth = read("growth-data");
  const frame = document.getElementById("growth-chart");
  if (growth && frame) {
    for (const button of document.querySelectorAll("[data-scale]")) {
      button.addEventListener("click", () => {
        frame.classList.toggle("show-log", button.dataset.scale === "log");
        for (const other of document.querySelectorAll("[data-scale]")) {
          other.setAttribute("aria-pressed", String(other === button));
        }
      });
    }
    const first = growth.t[0], last = growth.t[growth.t.length - 1];
    for (const chart of frame.querySelectorAll("svg")) {
      const cross = make("line", { class: "cross", y1: 4, y2: chart.viewBox.baseVal.height - 24, visibility: "hidden" });
      chart.append(cross);
      chart.addEventListener("pointermove", (event) => {
        const box = chart.getBoundingClientRect();
        const at = ((event.clientX - box.left) / box.width) * 1080;
        const part = Math.min(Math.max((at - 8) / (1080 - 66), 0), 1);
        const when = first + part * (last - first);
        let low = 0, high = growth.t.length - 1;
        while (high - low > 1) {
          const middle = (low + high) >> 1;
          if (growth.t[middle] > when) high = middle; else low = middle;
        }
        const row = when - growth.t[low] < growth.t[high] - when ? low : high;
        const place = 8 + ((growth.t[row] - first) / (last - first)) * (1080 - 66);
        cross.setAttribute("x1", place);
        cross.setAttribute("x2", place);
        cross.setAttribute("visibility", "visible");
        const lines = growth.names.map((name, i) => `${name}  ${growth.v[i][row].toFixed(3)}`);
        show([day(growth.t[row]), ...lines], event.pageX, event.pageY);
      });
      chart.addEventListener("pointerleave", () => { cross.setAttribute("visibility", "hidden"); hide(); });
    }
  }

  const series = read("candle-data");
  const chart = document.getElementById("candles");
  if (!series || !chart) return;
  const unpack = (own) => {
    if (own.t) return own;
    const unit = 10 ** own.d;
    let when = 0, close = 0;
    Object.assign(own, { t: [], o: [], h: [], l: [], c: [] });
    own.w.forEach((which, row) => {
      const [a, b, c, d] = own.p.slice(row * 4, row * 4 + 4);
      const open = close + a;
      when += own.u[which];
      close = open + d;
      own.t.push(when);
      own.o.push(open / unit);
      own.h.push((Math.max(open, close) + b) / unit);
      own.l.push((Math.min(open, close) - c) / unit);
      own.c.push(close / unit);
    });
    return own;
  };
  const chosen = () => unpack(series[Number(pick.value)]);
  const pick = document.getElementById("pick"), pan = document.getElementById("pan");
  const about = document.getElementById("pick-note");
  const state = { bars: 126, end: 0, chosen: null };
  const width = 1080 - 58, height = 360, foot = 24;

  const rowAt = (times, when) => {
    let low = 0, high = times.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] < when) low = middle + 1; else high = middle;
    }
    return low;
  };
  const steps = (low, high, wanted) => {
    const raw = (high - low) / wanted, size = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map((k) => k * size).reduce((a, b) => (Math.abs(b - raw) < Math.abs(a - raw) ? b : a));
    const found = [];
    for (let v = Math.ceil(low / step) * step; v <= high; v += step) found.push(v);
    return found;
  };

  const draw = () => {
    const own = chosen();
    const n = own.t.length, count = state.bars ? Math.min(state.bars, n) : n;
    const last = Math.min(Math.max(state.end, count), n), first = last - count;
    const top = Math.max(...own.h.slice(first, last)), bottom = Math.min(...own.l.slice(first, last));
    const room = (top - bottom) * 0.06 || top * 0.01;
    const y = (v) => 8 + ((top + room - v) / (top - bottom + 2 * room)) * (height - foot - 16);
    const slot = width / count, x = (row) => (row - first + 0.5) * slot;
    const parts = [];
    for (const v of steps(bottom, top, 6)) {
      parts.push(make("line", { class: "grid", x1: 0, x2: width, y1: y(v), y2: y(v) }));
      parts.push(make("text", { x: width + 6, y: y(v) + 3.5 }, v.toFixed(Math.min(own.d, 2))));
    }
    const every = Math.max(1, Math.floor(count / 8));
    for (let row = first + Math.floor(every / 2); row < last; row += every) {
      parts.push(make("text", { x: x(row), y: height - 6, class: "middle" }, day(own.t[row])));
    }
    if (count > 520) {
      const points = [];
      for (let row = first; row < last; row += 1) points.push(`${x(row).toFixed(1)},${y(own.c[row]).toFixed(1)}`);
      parts.push(make("path", { class: "line s2 fine", d: `M${points.join("L")}` }));
    } else {
      const shapes = { rise: ["", ""], fall: ["", ""] };
      const broad = Math.max(Math.min(slot * 0.66, 9), 0.8);
      for (let row = first; row < last; row += 1) {
        const kind = own.c[row] >= own.o[row] ? "rise" : "fall", at = x(row);
        const a = y(Math.max(own.o[row], own.c[row])), b = Math.max(y(Math.min(own.o[row], own.c[row])), a + 0.8);
        shapes[kind][0] += `M${at.toFixed(1)},${y(own.h[row]).toFixed(1)}V${y(own.l[row]).toFixed(1)}`;
        shapes[kind][1] += `M${(at - broad / 2).toFixed(1)},${a.toFixed(1)}h${broad.toFixed(1)}V${b.toFixed(1)}h${(-broad).toFixed(1)}Z`;
      }
      for (const kind of ["rise", "fall"]) {
        parts.push(make("path", { class: `wick ${kind}`, d: shapes[kind][0] || "M0,0" }));
        parts.push(make("path", { class: `body ${kind}`, d: shapes[kind][1] || "M0,0" }));
      }
    }
    for (const [id, side, entered, left, inPrice, outPrice, profit, open] of own.m) {
      const a = rowAt(own.t, entered), b = rowAt(own.t, left);
      if (b < first || a >= last) continue;
      const kind = profit >= 0 ? "up-line" : "down-line";
      const line = make("line", { class: `held-line ${kind}`, x1: x(a), y1: y(inPrice), x2: x(b), y2: y(outPrice) });
      if (state.chosen === id) line.setAttribute("style", "stroke-width:2.6;stroke-dasharray:none");
      parts.push(line);
      const ends = open ? [[a, inPrice, side > 0]] : [[a, inPrice, side > 0], [b, outPrice, side < 0]];
      for (const [row, price, bought] of ends) {
        if (row < first || row >= last) continue;
        const px = x(row), tip = y(price) + (bought ? 3 : -3), base = tip + (bought ? 9 : -9);
        const mark = make("path", { class: `marker ${bought ? "bought" : "sold"}`, d: `M${px},${tip}L${px - 5.5},${base}L${px + 5.5},${base}Z` });
        mark.addEventListener("pointerenter", (event) => show([
          `${own.s}, ${side > 0 ? "long" : "short"}${open ? ", still open" : ""}`,
          `${minute(entered)} at ${inPrice.toFixed(2)}`, `${minute(left)} at ${outPrice.toFixed(2)}`,
          `profit ${profit.toFixed(2)}`,
        ], event.pageX, event.pageY));
        mark.addEventListener("pointerleave", hide);
        parts.push(mark);
      }
    }
    chart.replaceChildren(...parts);
    about.textContent = `${day(own.t[first])} to ${day(own.t[last - 1])}, ${own.m.length} trades`;
    pan.value = n > count ? Math.round(((last - count) / (n - count)) * 1000) : 1000;
    pan.disabled = n <= count;
  };
  const press = () => {
    for (const button of document.querySelectorAll("#spans button")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.bars) === state.bars));
    }
  };
  for (const button of document.querySelectorAll("#spans button")) {
    button.addEventListener("click", () => { state.bars = Number(button.dataset.bars); press(); draw(); });
  }
  pick.addEventListener("change", () => { state.end = chosen().t.length; state.chosen = null; draw(); });
  pan.addEventListener("input", () => {
    const n = chosen().t.length, count = state.bars ? Math.min(state.bars, n) : n;
    state.end = count + Math.round((Number(pan.value) / 1000) * (n - count));
    draw();
  });
  for (const row of document.querySelectorAll("#trade-table tr[data-trade]")) {
    const id = Number(row.dataset.trade);
    const at = series.findIndex((own) => own.m.some((mark) => mark[0] === id));
    if (at < 0) { row.removeAttribute("data-trade"); continue; }
    row.addEventListener("click", () => {
      pick.value = String(at);
      unpack(series[at]);
      const mark = series[at].m.find((found) => found[0] === id);
      const a = rowAt(series[at].t, mark[2]), b = rowAt(series[at].t, mark[3]);
      state.bars = [126, 252, 756].find((bars) => bars > (b - a) * 1.4) || 0;
      state.end = Math.round((a + b) / 2 + (state.bars || series[at].t.length) / 2);
      state.chosen = id;
      press();
      draw();
      document.getElementById("candles-section").scrollIntoView();
    });
  }
  state.bars = 252;
  state.end = unpack(series[0]).t.length;
  press();
  draw();
})();
