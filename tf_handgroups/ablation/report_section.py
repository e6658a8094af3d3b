"""A section of the report, as HTML and as Markdown."""

import dataclasses
import html

from tf_handgroups.html_page import figure, paragraph, table, text


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure of a section.

    Args:
        name: Of its file, without suffix.
        png: Its content.
        caption: Plain text.
    """

    name: str
    png: bytes
    caption: str


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of a section.

    Args:
        head: A cell per column.
        rows: Their cells, plain text.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclasses.dataclass(frozen=True)
class Section:
    """A heading with what belongs under it, in this order: words, table, pictures, commands.

    Args:
        title: Heading.
        words: Paragraphs; text between backticks is code.
        table: Table, or `None`.
        pictures: Figures.
        commands: What to type into a terminal, each below what it does.

    Example:

    >>> print(Section("Seeds", ("Three.",)).markdown())
    ## Seeds
    <BLANKLINE>
    Three.
    <BLANKLINE>
    """

    title: str
    words: tuple[str, ...] = ()
    table: Table | None = None
    pictures: tuple[Picture, ...] = ()
    commands: tuple[tuple[str, str], ...] = ()

    def html(self) -> str:
        """Returns the section as HTML, pictures embedded."""
        parts = [f"<section><h2>{text(self.title)}</h2>", *map(paragraph, self.words)]
        if self.table is not None:
            parts.append(table(self.table.head, self.table.rows))
        parts += [figure(one.png, one.caption, wide=True, chart=True) for one in self.pictures]
        for what, command in self.commands:
            parts.append(f"{paragraph(what)}<pre>{html.escape(command)}</pre>")
        return "".join([*parts, "</section>"])

    def markdown(self) -> str:
        """Returns the section as Markdown; pictures are files in `figures/`."""
        parts = [f"## {self.title}", *self.words]
        if self.table is not None:
            rows = [self.table.head, ("---",) * len(self.table.head), *self.table.rows]
            cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
            parts.append("\n".join(f"| {' | '.join(row)} |" for row in cells))
        parts += [f"![{one.caption}](figures/{one.name}.png)" for one in self.pictures]
        for what, command in self.commands:
            parts += [what, f"```\n{command}\n```"]
        return "\n\n".join(parts) + "\n"
