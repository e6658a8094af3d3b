"""Building blocks of self-contained HTML reports: for desk and phone, light and dark."""

import base64
import html
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2126; --soft: #5b6570; --paper: #fbfbf9;
  --card: #fff; --line: #dcdfe3; --accent: #0a6ebd; --bad: #b3261e; --good: #1b7f3b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7e9ec; --soft: #a5aeb8;
  --paper: #15181c; --card: #1e2329; --line: #363d46; --accent: #6db5f2; --bad: #ff8a80;
  --good: #74d68f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 17px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 980px; margin: 0 auto; padding: 16px 16px 64px; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 1rem 0 .5rem; }
h2 { font-size: 1.3rem; margin: 2.6rem 0 .6rem; padding-top: 1rem;
  border-top: 1px solid var(--line); }
p, li { max-width: 70ch; }
.soft, figcaption { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 10px 14px; }
.tile b { display: block; font-size: 1.5rem; line-height: 1.25; }
.tile span { color: var(--soft); font-size: .88rem; line-height: 1.35; display: block; }
figure { margin: 1.1rem 0; }
figcaption { font-size: .92rem; margin-top: .45rem; max-width: 75ch; }
.scroll { overflow-x: auto; }
img { display: block; max-width: 100%; height: auto; border-radius: 8px; background: #fff; }
.wide { max-width: none; width: 100%; min-width: 660px; }
@media (max-width: 690px) { .scroll:has(img)::after { content: "↔ swipe sideways";
  font-size: .85rem; color: var(--soft); } }
.chart { padding: 8px; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)); gap: 14px; }
.grid figure { margin: 0; }
.grid img { width: 100%; }
table { border-collapse: collapse; font-size: .95rem; }
th, td { text-align: left; vertical-align: top; padding: 6px 14px 6px 0;
  border-bottom: 1px solid var(--line); }
td { font-variant-numeric: tabular-nums; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 10px 12px; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
.bad { color: var(--bad); font-weight: 600; }
p.bad { font-weight: 400; }
.good { color: var(--good); font-weight: 600; }
"""


def page(title: str, body: str) -> str:
    """Returns a complete page that needs no other file and no script.

    Args:
        title: Plain text.
        body: HTML.

    Example:

    >>> page("Report", "<p>done</p>").startswith("<!doctype html>")
    True
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><main>{body}</main></body></html>\n"
    )


def text(plain: str) -> str:
    """Returns plain text as HTML; `words` between backticks become code.

    Example:

    >>> text("a < b, see `x`")
    'a &lt; b, see <code>x</code>'
    """
    parts = html.escape(plain, quote=False).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def paragraph(plain: str, css: str = "") -> str:
    """Returns plain text as a paragraph of a CSS class.

    Example:

    >>> paragraph("hello", "soft")
    '<p class="soft">hello</p>'
    """
    start = f'<p class="{css}">' if css else "<p>"
    return f"{start}{text(plain)}</p>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], html_cells: bool = False) -> str:
    """Returns a table that scrolls sideways where it does not fit.

    Args:
        head: One cell per column.
        rows: Their cells.
        html_cells: Whether the cells are HTML already; otherwise plain text.

    Example:

    >>> "<td>1 &lt; 2</td>" in table(["claim"], [["1 < 2"]])
    True
    """

    def line(cells: Sequence[str], tag: str) -> str:
        contents = cells if html_cells else [text(cell) for cell in cells]
        return f"<tr>{''.join(f'<{tag}>{content}</{tag}>' for content in contents)}</tr>"

    body = line(head, "th") + "".join(line(row, "td") for row in rows)
    return f'<div class="scroll"><table>{body}</table></div>'


def figure(picture: bytes, caption: str, wide: bool = False, chart: bool = False) -> str:
    """Returns an embedded picture with its caption.

    Args:
        picture: PNG or JPEG bytes.
        caption: Plain text.
        wide: Whether it scrolls sideways on small screens instead of shrinking.
        chart: Whether it is a chart on white, which gets a margin.

    Example:

    >>> "data:image/jpeg;base64," in figure(jpeg(np.zeros((8, 8, 3), np.uint8)), "black")
    True
    """
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    css = " ".join(name for name, on in (("wide", wide), ("chart", chart)) if on)
    data = base64.b64encode(picture).decode("ascii")
    image = (
        f'<img class="{css}" alt="{html.escape(caption)}" src="data:image/{kind};base64,{data}">'
    )
    if wide:
        image = f'<div class="scroll">{image}</div>'
    return f"<figure>{image}<figcaption>{text(caption)}</figcaption></figure>"


def jpeg(pixels: np.ndarray) -> bytes:
    r"""Encodes `(height, width, 3)` uint8 RGB for the page.

    Example:

    >>> jpeg(np.zeros((8, 8, 3), np.uint8))[:2]
    b'\xff\xd8'
    """
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=88)
    return stream.getvalue()
