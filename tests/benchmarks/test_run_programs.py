"""The programs that were run against the emulator, and their table."""

from __future__ import annotations

from benchmarks.run_programs import PAGE, Result, page_of, programs, read_results


def test_page_is_made_of_the_results() -> None:
    """Nobody edits the table by hand, and nobody forgets it."""
    assert PAGE.read_text() == page_of(read_results())


def test_every_program_of_the_list_was_run() -> None:
    """A program that was added, or another version of one, has a result; no two runs share a folder by accident."""
    listed = [*programs()]

    assert [(each.name, each.origin) for each in listed] == [(each.name, each.origin) for each in read_results()]
    assert len({(each.name, each.origin) for each in listed}) == len(listed)
    assert len({each.packages for each in listed}) == len({each.folder for each in listed})


def test_at_least_twelve_gateways_and_all_official_clients_work() -> None:
    """What does not work says why in one line: its own fault, as the emulator's would have been mended."""
    results = read_results()
    official = [each for each in results if each.name.startswith("twilio")]
    working = [each for each in results if each.result == "works" and each not in official]

    assert len(working) >= 12
    assert [each.name for each in official if each.result != "works"] == []
    assert all(each.result.count("\n") == 0 for each in results)


def test_row_says_what_was_seen() -> None:
    """Program, origin, purpose, messages, result."""
    result = Result(name="apprise 2.2.0", origin="PyPI", what="notifies by URL", sent=1, result="works")

    assert page_of([result]).endswith("|---|---|---|---|---|\n| apprise 2.2.0 | PyPI | notifies by URL | 1 | works |\n")
