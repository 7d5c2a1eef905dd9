"""Compiled rolling and recursive sums over panels.

Every kernel takes C-ordered panels (n_rows, n_columns), a range of columns and an output panel,
runs down the rows with the columns innermost (the processor works on several columns at once) and
releases the lock, so that threads take different columns. Row ``t`` reads rows ``0..t`` only.
NaN makes a window NaN; it never outlives the window. Recursions keep what they remember in
`memory`, one row a quantity, so that a panel may come in pieces.
"""

# ``v != v`` is the compiled test for NaN; a kernel takes its arrays and range as plain arguments.
# ruff: noqa: PLR0124, PLR0912, PLR0915, PLR0917

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tradewright.jit import jit

Panel = NDArray[np.float64]


@jit(nogil=True)
def window_sum(x: Panel, n: int, scale: float, first: int, last: int, out: Panel) -> None:
    """Sum of the last `n` rows times `scale`, from two running sums that never subtract.

    Rows are cut into blocks of `n`: a window is the end of one block plus the start of the next.
    """
    rows = x.shape[0]
    width = last - first
    head = np.zeros(width)
    tails = np.zeros((n, width))
    for t in range(rows):
        k = t % n
        if k == 0 and t > 0:
            for j in range(width):
                tails[n - 1, j] = x[t - 1, first + j]
            for i in range(n - 2, 0, -1):
                for j in range(width):
                    tails[i, j] = tails[i + 1, j] + x[t - n + i, first + j]
        if k == 0:
            for j in range(width):
                head[j] = x[t, first + j]
        else:
            for j in range(width):
                head[j] += x[t, first + j]
        if t < n - 1:
            for j in range(width):
                out[t, first + j] = np.nan
        elif k == n - 1:
            for j in range(width):
                out[t, first + j] = head[j] * scale
        else:
            for j in range(width):
                out[t, first + j] = (tails[k + 1, j] + head[j]) * scale


@jit(nogil=True)
def series_mean(x: NDArray[np.float64], n: int, out: NDArray[np.float64]) -> None:
    """`window_sum` of one series, divided by `n`."""
    rows = x.shape[0]
    scale = 1.0 / n
    tails = np.zeros(n + 1)
    following = np.zeros(n + 1)
    for start in range(0, rows, n):
        size = min(n, rows - start)
        head = 0.0
        tail = 0.0
        # Two sums side by side: forwards for this block's windows, backwards for the next one's.
        for k in range(size):
            head += x[start + k]
            out[start + k] = (tails[k + 1] + head) * scale
            tail += x[start + size - 1 - k]
            following[size - 1 - k] = tail
        tails, following = following, tails
        tails[n] = 0.0
    for t in range(min(n - 1, rows)):
        out[t] = np.nan


@jit(nogil=True)
def window_extreme(x: Panel, n: int, sign: float, first: int, last: int, out: Panel) -> None:
    """Largest value of the last `n` rows (`sign` 1), or smallest (`sign` -1)."""
    rows = x.shape[0]
    width = last - first
    head = np.zeros(width)
    tails = np.zeros((n, width))
    for t in range(rows):
        k = t % n
        if k == 0 and t > 0:
            for j in range(width):
                tails[n - 1, j] = x[t - 1, first + j] * sign
            for i in range(n - 2, 0, -1):
                for j in range(width):
                    v = x[t - n + i, first + j] * sign
                    best = tails[i + 1, j]
                    tails[i, j] = v if (v > best or v != v) else best
        if k == 0:
            for j in range(width):
                head[j] = x[t, first + j] * sign
        else:
            for j in range(width):
                v = x[t, first + j] * sign
                best = head[j]
                head[j] = v if (v > best or v != v) else best
        if t < n - 1:
            for j in range(width):
                out[t, first + j] = np.nan
        elif k == n - 1:
            for j in range(width):
                out[t, first + j] = head[j] * sign
        else:
            for j in range(width):
                v = tails[k + 1, j]
                best = head[j]
                out[t, first + j] = (v if (v > best or v != v) else best) * sign


@jit(nogil=True)
def window_moments(x: Panel, n: int, first: int, last: int, mean: Panel, square: Panel) -> None:
    """Mean and mean squared deviation of the last `n` rows, by merging two running moments."""
    rows = x.shape[0]
    width = last - first
    head = np.zeros(width)
    head2 = np.zeros(width)
    tails = np.zeros((n, width))
    tails2 = np.zeros((n, width))
    for t in range(rows):
        k = t % n
        if k == 0 and t > 0:
            for j in range(width):
                tails[n - 1, j] = x[t - 1, first + j]
                tails2[n - 1, j] = 0.0
            for i in range(n - 2, 0, -1):
                part = 1.0 / (n - i)
                for j in range(width):
                    v = x[t - n + i, first + j]
                    off = v - tails[i + 1, j]
                    m = tails[i + 1, j] + off * part
                    tails[i, j] = m
                    tails2[i, j] = tails2[i + 1, j] + off * (v - m)
        if k == 0:
            for j in range(width):
                head[j] = x[t, first + j]
                head2[j] = 0.0
        else:
            part = 1.0 / (k + 1)
            for j in range(width):
                v = x[t, first + j]
                off = v - head[j]
                head[j] += off * part
                head2[j] += off * (v - head[j])
        if t < n - 1:
            for j in range(width):
                mean[t, first + j] = np.nan
                square[t, first + j] = np.nan
        elif k == n - 1:
            for j in range(width):
                mean[t, first + j] = head[j]
                square[t, first + j] = head2[j] / n
        else:
            share = (k + 1) / n
            both = (k + 1) * (n - k - 1) / n
            for j in range(width):
                off = head[j] - tails[k + 1, j]
                mean[t, first + j] = tails[k + 1, j] + off * share
                square[t, first + j] = (tails2[k + 1, j] + head2[j] + off * off * both) / n


@jit(nogil=True)
def smooth(
    x: Panel, alpha: float, seed: int, memory: Panel, first: int, last: int, out: Panel
) -> None:
    """Exponential mean that starts as the plain mean of the first `seed` values of a column.

    A NaN gives NaN in its row and leaves the mean as it was. Remembers mean and count.
    """
    rows = x.shape[0]
    width = last - first
    state = memory[0, first:last].copy()
    count = memory[1, first:last].copy()
    t = 0
    seeded = 0
    for j in range(width):
        seeded += 1 if count[j] >= seed else 0
    while t < rows and seeded < width:
        for j in range(width):
            v = x[t, first + j]
            y = np.nan
            if v == v:
                if count[j] < seed:
                    state[j] += v
                    count[j] += 1
                    if count[j] == seed:
                        state[j] /= seed
                        y = state[j]
                        seeded += 1
                else:
                    state[j] += alpha * (v - state[j])
                    y = state[j]
            out[t, first + j] = y
        t += 1
    while t < rows:
        for j in range(width):
            v = x[t, first + j]
            y = state[j] + alpha * (v - state[j])
            state[j] = y if y == y else state[j]
            out[t, first + j] = y
        t += 1
    memory[0, first:last] = state
    memory[1, first:last] = count


@jit(nogil=True)
def strength(x: Panel, n: int, memory: Panel, first: int, last: int, out: Panel) -> None:
    """Relative strength: 100 × mean rise / (mean rise + mean fall), Wilder means of `n` changes.

    No change (mean absolute change below 1e-12 of the price) gives 50. Remembers mean rise, mean
    fall, number of changes, and the value before (NaN at first).
    """
    rows = x.shape[0]
    width = last - first
    rise = memory[0, first:last].copy()
    fall = memory[1, first:last].copy()
    count = memory[2, first:last].copy()
    before = memory[3, first:last].copy()
    seeded = 0
    for j in range(width):
        seeded += 1 if count[j] >= n else 0
    keep = (n - 1) / n
    part = 1.0 / n
    t = 0
    while t < rows and seeded < width:
        for j in range(width):
            v = x[t, first + j]
            change = v - before[j]
            if change == change:
                up = max(change, 0.0) * part
                down = max(-change, 0.0) * part
                if count[j] < n:
                    rise[j] += up
                    fall[j] += down
                    count[j] += 1
                    seeded += 1 if count[j] == n else 0
                else:
                    rise[j] = rise[j] * keep + up
                    fall[j] = fall[j] * keep + down
            before[j] = v
            y = np.nan
            if change == change and count[j] == n:
                total = rise[j] + fall[j]
                y = 100.0 * rise[j] / total if total > 1e-12 * abs(v) else 50.0
            out[t, first + j] = y
        t += 1
    while t < rows:
        for j in range(width):
            v = x[t, first + j]
            change = v - before[j]
            known = change == change
            step = change * part if known else 0.0
            weight = keep if known else 1.0
            up = rise[j] * weight + (step if step > 0.0 else 0.0)
            down = fall[j] * weight - (step if step < 0.0 else 0.0)
            rise[j] = up
            fall[j] = down
            before[j] = v
            total = up + down
            moves = total > 1e-12 * abs(v)
            y = 100.0 * up / (total if moves else 1.0)
            y = y if moves else 50.0
            out[t, first + j] = y if known else np.nan
        t += 1
    memory[0, first:last] = rise
    memory[1, first:last] = fall
    memory[2, first:last] = count
    memory[3, first:last] = before


@jit(nogil=True)
def weighted_mean(x: Panel, decay: float, memory: Panel, first: int, last: int, out: Panel) -> None:
    """Exponential mean with weights that sum to one from the first row; NaN changes nothing.

    Remembers the weighted sum and the sum of the weights.
    """
    rows = x.shape[0]
    width = last - first
    total = memory[0, first:last].copy()
    weight = memory[1, first:last].copy()
    for t in range(rows):
        for j in range(width):
            v = x[t, first + j]
            if v == v:
                total[j] = decay * total[j] + (1.0 - decay) * v
                weight[j] = decay * weight[j] + (1.0 - decay)
            out[t, first + j] = total[j] / weight[j] if weight[j] > 0.0 else np.nan
    memory[0, first:last] = total
    memory[1, first:last] = weight


@jit(nogil=True)
def running_sum(
    x: Panel, restart: NDArray[np.bool_], memory: Panel, first: int, last: int, out: Panel
) -> None:
    """Sum since the last restart; a NaN adds nothing. Remembers the sum."""
    total = memory[0, first:last].copy()
    for t in range(x.shape[0]):
        for j in range(last - first):
            v = x[t, first + j]
            v = v if v == v else 0.0
            total[j] = v if restart[t, first + j] else total[j] + v
            out[t, first + j] = total[j]
    memory[0, first:last] = total


@jit(nogil=True)
def window_dot(x: Panel, weights: NDArray[np.float64], first: int, last: int, out: Panel) -> None:
    """Weighted sum of the last rows; `weights` run from the oldest to the newest row."""
    n = len(weights)
    width = last - first
    total = np.zeros(width)
    for t in range(x.shape[0]):
        for j in range(width):
            total[j] = 0.0 if t >= n - 1 else np.nan
        if t >= n - 1:
            for i in range(n):
                w = weights[i]
                for j in range(width):
                    total[j] += w * x[t - n + 1 + i, first + j]
        for j in range(width):
            out[t, first + j] = total[j]


@jit(nogil=True)
def window_shape(
    x: Panel, mean: Panel, n: int, first: int, last: int, m3: Panel, m4: Panel
) -> None:
    """Mean third and fourth power of the deviations from the window's mean."""
    width = last - first
    third = np.zeros(width)
    fourth = np.zeros(width)
    for t in range(x.shape[0]):
        for j in range(width):
            third[j] = 0.0 if t >= n - 1 else np.nan
            fourth[j] = third[j]
        if t >= n - 1:
            for i in range(t - n + 1, t + 1):
                for j in range(width):
                    off = x[i, first + j] - mean[t, first + j]
                    cube = off * off * off
                    third[j] += cube
                    fourth[j] += cube * off
        for j in range(width):
            m3[t, first + j] = third[j] / n
            m4[t, first + j] = fourth[j] / n


@jit(nogil=True)
def window_product(
    x: Panel, y: Panel, x_mean: Panel, y_mean: Panel, n: int, first: int, last: int, out: Panel
) -> None:
    """Mean product of the deviations of two panels from their window means."""
    width = last - first
    total = np.zeros(width)
    for t in range(x.shape[0]):
        for j in range(width):
            total[j] = 0.0 if t >= n - 1 else np.nan
        if t >= n - 1:
            for i in range(t - n + 1, t + 1):
                for j in range(width):
                    dx = x[i, first + j] - x_mean[t, first + j]
                    total[j] += dx * (y[i, first + j] - y_mean[t, first + j])
        for j in range(width):
            out[t, first + j] = total[j] / n


@jit(nogil=True)
def window_rank(x: Panel, n: int, first: int, last: int, out: Panel) -> None:
    """Share of the other ``n - 1`` rows below the newest one, equal ones counted half."""
    width = last - first
    below = np.zeros(width)
    for t in range(x.shape[0]):
        for j in range(width):
            below[j] = 0.0 if t >= n - 1 else np.nan
        if t >= n - 1:
            for i in range(t - n + 1, t):
                for j in range(width):
                    off = x[t, first + j] - x[i, first + j]
                    below[j] += 1.0 if off > 0.0 else (0.5 if off == 0.0 else off * 0.0)
        for j in range(width):
            out[t, first + j] = below[j] / (n - 1)


@jit(nogil=True)
def window_deviation(x: Panel, mean: Panel, n: int, first: int, last: int, out: Panel) -> None:
    """Mean absolute deviation from the window's mean."""
    width = last - first
    total = np.zeros(width)
    for t in range(x.shape[0]):
        for j in range(width):
            total[j] = 0.0 if t >= n - 1 else np.nan
        if t >= n - 1:
            for i in range(t - n + 1, t + 1):
                for j in range(width):
                    total[j] += abs(x[i, first + j] - mean[t, first + j])
        for j in range(width):
            out[t, first + j] = total[j] / n


@jit(nogil=True)
def window_quantile(x: Panel, n: int, q: float, first: int, last: int, out: Panel) -> None:
    """Quantile of the last `n` rows, linear between order statistics, from a sorted window."""
    rows = x.shape[0]
    place = q * (n - 1)
    low = int(np.floor(place))
    high = min(low + 1, n - 1)
    part = place - low
    window = np.zeros(n)
    for j in range(first, last):
        held = 0
        missing = 0
        for t in range(rows):
            if t >= n:
                old = x[t - n, j]
                if old != old:
                    missing -= 1
                else:
                    at = np.searchsorted(window[:held], old)
                    for i in range(at, held - 1):
                        window[i] = window[i + 1]
                    held -= 1
            v = x[t, j]
            if v != v:
                missing += 1
            else:
                at = np.searchsorted(window[:held], v)
                for i in range(held, at, -1):
                    window[i] = window[i - 1]
                window[at] = v
                held += 1
            if t < n - 1 or missing > 0:
                out[t, j] = np.nan
            else:
                out[t, j] = window[low] + part * (window[high] - window[low])


@jit(nogil=True)
def quotient(top: Panel, bottom: Panel, at_zero: float, first: int, last: int, out: Panel) -> None:
    """Quotient of two panels, `at_zero` where the bottom is 0 and the top is known."""
    for t in range(top.shape[0]):
        for j in range(first, last):
            a = top[t, j]
            b = bottom[t, j]
            if b == 0.0:
                out[t, j] = at_zero if a == a else np.nan
            else:
                out[t, j] = a / b


@jit(nogil=True)
def span(high: Panel, low: Panel, close: Panel, first: int, last: int, out: Panel) -> None:
    """Widen the range of each bar to the previous close (true range)."""
    for t in range(high.shape[0]):
        for j in range(first, last):
            before = close[t - 1, j] if t > 0 else np.nan
            top = high[t, j]
            bottom = low[t, j]
            missing = (top + bottom + before) * 0.0
            top = top if top > before else before
            bottom = bottom if bottom < before else before
            out[t, j] = top - bottom + missing


@jit(nogil=True)
def signed(size: Panel, x: Panel, first: int, last: int, out: Panel) -> None:
    """Give a size the sign of the change of another panel."""
    for t in range(x.shape[0]):
        for j in range(first, last):
            change = x[t, j] - x[t - 1, j] if t > 0 else np.nan
            sign = 1.0 if change > 0.0 else (-1.0 if change < 0.0 else change * 0.0)
            out[t, j] = sign * size[t, j]
