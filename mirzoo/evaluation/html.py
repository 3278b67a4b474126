"""Pages that need no other file: text is escaped, nothing in them runs, nothing is fetched.

Names of files and labels are somebody else's words. They reach a page only through `html_of`,
which escapes what is markup and shows control characters as such; a policy in the page forbids
scripts and every address outside it.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from string import Template

from mirzoo._support.files import printable


class Markup(str):
    """Text that is HTML already."""


_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
media-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light; --ink: #1d2733; --soft: #5b6875; --line: #dfe4ea; --blue: #2563a8; }
body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; color: var(--ink);
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; background: #fff; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; padding-top: .6rem;
  border-top: 1px solid var(--line); overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
p { margin: .4rem 0; max-width: 48rem; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .28rem .9rem .28rem 0;
  border-bottom: 1px solid var(--line); }
td { overflow-wrap: anywhere; min-width: 2.5rem; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.track { position: relative; display: block; width: 12rem; height: .55rem; margin-top: .5rem;
  background: #eef1f4; border-radius: 2px; }
.track i { position: absolute; top: 0; bottom: 0; background: #a9c6e6; border-radius: 2px; }
.track b { position: absolute; top: -.15rem; bottom: -.15rem; width: 2px; margin-left: -1px;
  background: var(--blue); }
table.confusion td { text-align: center; min-width: 1.7rem; padding: .25rem; border: 0; }
table.confusion th { border: 0; padding: .25rem .5rem; max-width: 12rem; overflow: hidden;
  text-overflow: ellipsis; }
table.confusion th.up { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left;
  max-height: 10rem; }
img { max-width: 100%; height: auto; display: block; margin: .5rem 0; }
audio { height: 2rem; width: 15rem; vertical-align: middle; }
summary { cursor: pointer; color: var(--blue); margin: .6rem 0; }
.good { color: #22683f; } .bad { color: #a5371b; }
</style>
</head>
<body>
$body
</body>
</html>
""")


def html_of(value: object) -> Markup:
    """Escape a value for HTML; `Markup` stays as it is.

    Examples
    --------
    >>> html_of("<b>&\\n"), html_of(Markup("<b>")), html_of(0.25)
    ('&lt;b&gt;&amp;\\\\n', '<b>', '0.250')
    """
    if isinstance(value, Markup):
        return value
    if value is None:
        return Markup("–")
    if isinstance(value, float):
        return Markup(f"{value:.3f}" if math.isfinite(value) else "–")
    return Markup(html.escape(printable(str(value)), quote=True))


def page(title: str, parts: Iterable[Markup]) -> str:
    """A whole page."""
    return _PAGE.substitute(title=html_of(title), body="\n".join(parts))


def element(name: str, *content: object, **attributes: str) -> Markup:
    """An element; attributes and content are escaped.

    Examples
    --------
    >>> element("p", "a < b", class_="soft")
    '<p class="soft">a &lt; b</p>'
    """
    given = "".join(
        f' {key.rstrip("_")}="{html.escape(printable(value), quote=True)}"'
        for key, value in attributes.items()
    )
    return Markup(f"<{name}{given}>{''.join(map(html_of, content))}</{name}>")


def table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Iterable[int] = ()
) -> Markup:
    """A table; columns whose places are in ``numbers`` are aligned to the right."""
    right = set(numbers)

    def row(cells: Sequence[object], kind: str) -> Markup:
        made = (
            element(kind, cell, **({"class_": "n"} if place in right else {}))
            for place, cell in enumerate(cells)
        )
        return element("tr", *made)

    head = element("thead", row(headings, "th"))
    body = element("tbody", *(row(cells, "td") for cells in rows))
    return element("div", element("table", head, body), class_="scroll")


def picture(uri: str | None, description: str, missing: str) -> Markup:
    """A picture from its ``data:`` URI, or why there is none."""
    if uri is None:
        return element("p", missing, class_="soft")
    return Markup(f'<img alt="{html_of(description)}" src="{html_of(uri)}">')


def player(uri: str) -> Markup:
    """A player of an excerpt from its ``data:`` URI."""
    return Markup(f'<audio controls preload="none" src="{html_of(uri)}"></audio>')


def track(value: float, spread: tuple[float, float] | None) -> Markup:
    """A bar from 0 to 1 that shows a score and its interval; nothing for other numbers."""
    if not 0 <= value <= 1:
        return Markup("")
    band = ""
    if spread is not None:
        low, high = (min(1.0, max(0.0, edge)) for edge in spread)
        band = f'<i style="left:{low:.1%};width:{high - low:.1%}"></i>'
    return Markup(f'<span class="track">{band}<b style="left:{value:.1%}"></b></span>')
