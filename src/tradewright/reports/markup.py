"""HTML that escapes what it is given; only what this module makes is markup."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | int | float | None | Iterable[Any]


def el(tag: str, *children: Child, **attributes: str | int | float | bool | None) -> Markup:
    """Make an element; text is escaped, markup kept, None left out.

    Parameters
    ----------
    tag : str
        Name of the element.
    *children : str, number, Markup, None or iterables of them
        Content.
    **attributes
        Trailing underscores are cut and inner ones become hyphens (``class_``, ``stroke_width``);
        True is a bare attribute, None and False leave it out.

    Returns
    -------
    Markup
        The element.

    Examples
    --------
    >>> el("p", "1 < 2", class_="note")
    '<p class="note">1 &lt; 2</p>'
    """
    parts = []
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        key = name.rstrip("_").replace("_", "-")
        parts.append(f" {key}" if value is True else f' {key}="{escape(str(value))}"')
    return Markup(f"<{tag}{''.join(parts)}>{join(children)}</{tag}>")


def void(tag: str, **attributes: str | int | float | bool | None) -> Markup:
    """Make an element without content, closed as SVG wants it."""
    return Markup(str(el(tag, **attributes)).replace(f"></{tag}>", "/>"))


def join(children: Iterable[Any]) -> Markup:
    """Join content, escaping what is not markup."""
    return Markup("".join(_text(child) for child in children))


def data_script(identity: str, value: Any) -> Markup:
    r"""Embed values for the page's script; nothing in them can end the element.

    Examples
    --------
    >>> data_script("d", "</script>")
    '<script type="application/json" id="d">"\\u003c/script\\u003e"</script>'
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(f'<script type="application/json" id="{escape(identity)}">{text}</script>')


def _text(child: Any) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return str(child)
    if isinstance(child, str):
        return escape(child)
    if isinstance(child, int | float):
        return str(child)
    return join(child)
