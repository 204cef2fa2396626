"""What the commands print: tables, JSON, and text without control characters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from ..reactions import Reaction

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def printable(text: str) -> str:
    """Return a string without control characters: anybody can send an escape sequence to a number."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def describe_reaction(reaction: Reaction) -> str:
    """Return one line about a reaction."""
    what = printable(reaction.emoji and f"{reaction.emoji} ") + reaction.kind
    about = f'to "{printable(reaction.quoted)}"' if reaction.quoted else "to a picture"
    return f"the text is a reaction: {what}{', removed' if reaction.removed else ''}, {about}"


def print_table(rows: Sequence[Mapping[str, str]], *, indent: str = "") -> None:
    """Print rows as aligned columns, with the names of the columns above them."""
    if not rows:
        return
    lines = [list(rows[0]), *([printable(row[name]) for name in rows[0]] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        click.echo(indent + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
