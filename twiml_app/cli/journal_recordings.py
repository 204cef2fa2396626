"""``journal export`` and ``journal import``: exchanges as recordings."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..journal import Archive, ExchangeRow, Filter
from ..recordings import Exchange, Scrubber, read_file, require_phone_numbers, write_file, write_line
from .common import find_state, plain_errors, project_settings
from .journal import filters, scrub_key
from .journal_access import find_engine, journal_option


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@filters
@click.option("--scrub-own-numbers", is_flag=True, help="Replace our own numbers too.")
@click.option(
    "--redact-bodies",
    is_flag=True,
    help="Replace message bodies and the parameters of URLs (replays will then show differences).",
)
@journal_option
def export(
    file: Path | None, scrub_own_numbers: bool, redact_bodies: bool, app_name: str | None, **chosen: Any
) -> None:
    """Export exchanges as a recording to FILE or standard output.

    Addresses, numbers, sids, names, secrets in URLs and unknown parameters become fictitious. This needs the extra dev:

    \b
        pip install 'twiml-app[dev]'

    \b
    Example:
        twiml-app journal export tests/recordings/orders.jsonl --handler orders
    """
    with plain_errors():
        require_phone_numbers()
        state = find_state(app_name)
        archive, wanted = Archive(find_engine(state)), Filter(**chosen)
        scrubber = Scrubber(scrub_key(state), scrub_own_numbers=scrub_own_numbers, redact_bodies=redact_bodies)
        count = _Count()
        scrubbed = _scrubbed(archive, wanted, scrubber, count)
        if file is None:
            for exchange in scrubbed:
                click.echo(write_line(exchange))
            return
        write_file(file, scrubbed)
    why = "stored without their request, unfinished, or silenced as a loop"
    click.echo(f"{count.written} exchanges in {file}{f'; {count.left_out} left out: {why}' if count.left_out else ''}")


@dataclass
class _Count:
    """How many exchanges were exported, and how many cannot be."""

    written: int = 0
    left_out: int = 0


def _scrubbed(archive: Archive, wanted: Filter, scrubber: Scrubber, count: _Count) -> Iterator[Exchange]:
    """Yield exchanges page by page, as all of them may not fit into memory; first read once who is named in any."""
    for page in archive.pages(wanted):
        scrubber.learn(_repeatable(page))
    for page in archive.pages(wanted):
        exchanges = scrubber.scrub(_repeatable(page))
        count.written += len(exchanges)
        count.left_out += len(page) - len(exchanges)
        yield from exchanges


def _repeatable(page: Iterable[ExchangeRow]) -> list[Exchange]:
    return [kept.exchange for kept in page if kept.exchange and _is_repeatable(kept)]


def _is_repeatable(kept: ExchangeRow) -> bool:
    """Return whether a replay can give the same answer: not if it is unfinished or was silenced as a loop."""
    return kept.state != "running" and kept.shown_outcome != "looping"


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@journal_option
def import_(files: tuple[Path, ...], app_name: str | None) -> None:
    """Import recordings into the journal.

    \b
    Example:
        twiml-app journal import traffic.jsonl
    """
    with plain_errors():
        exchanges = [exchange for file in files for exchange in read_file(file)]
        state = find_state(app_name)
        settings = state.settings if state else project_settings()
        keep_until = time.time() + settings.retention_days * 86400
        added = Archive(find_engine(state, to_fill=True)).add(exchanges, keep_until=keep_until)
    click.echo(f"{added} of {len(exchanges)} exchanges were new")
