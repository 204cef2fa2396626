"""The pytest plugin: a phone that texts the user's application, and recordings as tests.

pytest loads this module in every run where the package is installed, so it imports the rest only when needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from flask import Flask

    from .emulator import Emulator
    from .recordings import Exchange, Replayed
    from .testing import Phone

INI = "twiml_recordings"
STATUS_INI = "twiml_recordings_status"
MARKER = "twiml_recordings"
FIXTURE = "recorded_exchange"
CHAOS_MARKER = "twiml_chaos"
CHAOS_FIXTURE = "recorded_conversation"

#: The results of exchanges that were replayed and not reported yet, by group of tests and by index.
_RESULTS = pytest.StashKey[dict[tuple[object, ...], dict[int, "Replayed"]]]()


@dataclass(frozen=True, slots=True)
class Place:
    """The exchange that a test replays."""

    file: Path
    index: int
    #: The tests that share one replay of the file: for marked tests those of the same function and parameters.
    group: tuple[object, ...]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini setting that lists recordings, and the option that accepts new answers."""
    parser.addini(INI, "recordings whose exchanges are run as tests: patterns such as tests/recordings/*.jsonl", "args")
    parser.addini(STATUS_INI, "whether recorded status callbacks are replayed too", "bool", default=True)
    group = parser.getgroup("twiml_app")
    group.addoption("--twiml-update", action="store_true", help="accept new answers: write them into the recordings")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    config.addinivalue_line("markers", f"{MARKER}(*patterns): run the test once per exchange in these recordings")
    config.addinivalue_line("markers", f"{CHAOS_MARKER}(*patterns): run the test once per conversation in these")


@pytest.fixture
def phone(request: pytest.FixtureRequest) -> Phone:
    """A phone that texts the application of the ``app`` fixture through its real authentication."""
    from .testing import Phone

    return Phone(_application(request))


@pytest.fixture
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """A local Twilio emulator with one number, answered by the ``app`` fixture; tests advance its clock.

    TWIML_EMULATOR_URL, TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are set to it, for handlers that send messages.
    """
    from .served_app import emulator_for

    with emulator_for(_application(request)) as running:
        _point_at(running, request)
        yield running


def _point_at(emulator: Emulator, request: pytest.FixtureRequest) -> None:
    """Set the variables by which handlers find an emulator, until the end of the test."""
    environment: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    environment.setenv("TWIML_EMULATOR_URL", emulator.url)
    environment.setenv("TWILIO_ACCOUNT_SID", emulator.account_sid)
    environment.setenv("TWILIO_AUTH_TOKEN", emulator.auth_token)


@pytest.fixture
def emulator_environment(emulator: Emulator) -> Iterator[dict[str, str]]:
    """The environment of a program whose unmodified Twilio clients reach the emulator: ``subprocess.run(env=...)``."""
    from .emulator import program_environment

    with program_environment(emulator.url, emulator.account_sid, emulator.auth_token) as environment:
        yield environment


@pytest.fixture
def recorded_exchange(request: pytest.FixtureRequest) -> Callable[[], None]:
    """A function that checks one exchange of the marker's recordings: call it."""
    return lambda: _check(request)


@pytest.fixture
def recorded_conversation(request: pytest.FixtureRequest) -> Callable[[], None]:
    """A function that runs one conversation of the marker's recordings through every fault: call it."""
    return lambda: _check_chaos(request)


def _check_chaos(request: pytest.FixtureRequest) -> None:
    """Fail if a person would notice a fault."""
    from .chaos import TriedApp, try_all

    with TriedApp(_application(request)) as program:
        _point_at(program.emulator, request)
        wrong = [result for result in try_all(program, [request.param]) if result.seen]
    if wrong:
        lines = "\n".join(f"    {each.fault}: {each.seen}\n        {each.advice}" for each in wrong)
        pytest.fail(f"the conversation {request.param.name} does not survive:\n{lines}", pytrace=False)


def _application(request: pytest.FixtureRequest) -> Flask:
    """Return the user's ``app`` fixture; without one, the project's application with a journal of its own."""
    from .app import build_app

    try:
        app: Flask = request.getfixturevalue("app")
    except pytest.FixtureLookupError:
        folder: Path = request.getfixturevalue("tmp_path")
        settings = {
            "TWIML_CREDENTIALS": "pytest:only-for-this-run",
            "TWIML_DATABASE_URL": f"sqlite:///{folder}/twiml.db",
        }
        return build_app(settings, request.config.rootpath)
    return app


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a marked test once per recorded exchange, or once per recorded conversation."""
    if FIXTURE in metafunc.fixturenames:
        _generate_exchanges(metafunc)
    if CHAOS_FIXTURE in metafunc.fixturenames:
        _generate_conversations(metafunc)


def _patterns(metafunc: pytest.Metafunc, marker: str, fixture: str) -> list[str]:
    """Return the patterns of a marker.

    Raises: pytest.UsageError, if there are none.
    """
    patterns = [pattern for mark in metafunc.definition.iter_markers(marker) for pattern in mark.args]
    if not patterns:
        raise pytest.UsageError(f'{metafunc.definition.nodeid} uses {fixture}: add @pytest.mark.{marker}("*.jsonl")')
    return patterns


def _generate_conversations(metafunc: pytest.Metafunc) -> None:
    from .chaos import read_conversations

    patterns, root = _patterns(metafunc, CHAOS_MARKER, CHAOS_FIXTURE), metafunc.config.rootpath
    cases = [conversation for file in _files(root, patterns) for conversation in read_conversations(file)]
    if not cases:
        raise pytest.UsageError(f"no recorded conversation in {', '.join(patterns)}, relative to {root}")
    metafunc.parametrize(CHAOS_FIXTURE, cases, ids=[case.name for case in cases], indirect=True)


def _generate_exchanges(metafunc: pytest.Metafunc) -> None:
    patterns, root = _patterns(metafunc, MARKER, FIXTURE), metafunc.config.rootpath
    cases = [(file, index, name) for file in _files(root, patterns) for index, name in _names(file, metafunc.config)]
    if not cases:
        raise pytest.UsageError(f"no recorded exchange in {', '.join(patterns)}, relative to {root}")
    metafunc.parametrize(
        FIXTURE,
        [(file, index) for file, index, _ in cases],
        ids=[name for *_, name in cases],
        indirect=True,
    )


def _files(root: Path, patterns: list[str]) -> list[Path]:
    return sorted({file for pattern in patterns for file in root.glob(pattern)})


def _names(file: Path, config: pytest.Config) -> Iterator[tuple[int, str]]:
    """Yield the index of each exchange in a file, and a name for its test."""
    for index, exchange in _exchanges(file, config).items():
        parameter = {"status": "MessageStatus", "alert": "Level"}.get(exchange.kind)
        text = exchange.form.get(parameter, exchange.kind) if parameter else exchange.form.get("Body", "")
        printable = "".join(character if character.isprintable() else " " for character in text)
        yield index, f"{file.stem}:{index + 1} {re.sub(':{2,}', ':', printable[:30])}".strip()


def _exchanges(file: Path, config: pytest.Config) -> dict[int, Exchange]:
    """Return the exchanges of a file by index, without status callbacks if the ini setting says so.

    Raises: RecordingError.
    """
    from .recordings import read_file

    with_status = config.getini(STATUS_INI)
    return {index: each for index, each in enumerate(read_file(file)) if with_status or each.kind != "status"}


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a recording that the ini setting lists."""
    if file_path in _files(parent.config.rootpath, parent.config.getini(INI)):
        collector: pytest.Collector = RecordingFile.from_parent(parent, path=file_path)
        return collector
    return None


class RecordingFile(pytest.Module):
    """A recording whose exchanges are tests; a module, so that module-scoped fixtures work."""

    def _getobj(self) -> ModuleType:
        return ModuleType(self.path.stem)

    def collect(self) -> Iterator[pytest.Function]:
        """Yield the tests."""
        from .errors import RecordingError

        try:
            names = [*_names(self.path, self.config)]
        except RecordingError as error:
            raise self.CollectError(str(error)) from error
        for index, name in names:
            yield RecordedExchange.from_parent(self, name=name, callobj=_check, index=index)


class RecordedExchange(pytest.Function):
    """The test of one exchange in a recording."""

    def __init__(self, *, index: int, **options: Any) -> None:
        super().__init__(**options)
        self.index = index


def _check(request: pytest.FixtureRequest) -> None:
    """Fail if the answer to one exchange differs, or accept the new answer."""
    place = _recording_place(request.node)
    assert place  # noqa: S101 - only tests of an exchange come here
    result = _result(request, place)
    if result.agrees:
        return
    if request.config.getoption("--twiml-update") and result.answer:
        _accept(place.file, place.index, result.updated())
        return
    lines = "\n".join(f"    {line}" for line in result.differences)
    handler = result.exchange.handler or result.exchange.kind
    pytest.fail(f"{handler} answered differently from the recording:\n{lines}", pytrace=False)


def _recording_place(item: pytest.Item) -> Place | None:
    """Return the exchange that a test replays; None for other tests."""
    if isinstance(item, RecordedExchange):
        return Place(item.path, item.index, (item.path,))
    callspec = getattr(item, "callspec", None)
    if callspec is None or FIXTURE not in callspec.params:
        return None
    file, index = callspec.params[FIXTURE]
    others = sorted((name, value) for name, value in callspec.indices.items() if name != FIXTURE)
    return Place(file, index, (file, item.parent, getattr(item, "originalname", ""), *others))


def _result(request: pytest.FixtureRequest, place: Place) -> Replayed:
    """Return the result of one exchange.

    The first test of a group replays the file up to the last selected exchange, while its fixtures are alive; the
    other tests find their results. A test that is run again finds none, and replays the file again.
    """
    kept = request.session.stash.setdefault(_RESULTS, {})
    if place.index not in kept.get(place.group, {}):
        places = [_recording_place(item) for item in request.session.items]
        last = max([place.index, *(each.index for each in places if each and each.group == place.group)])
        kept[place.group] = _replay(request, place.file, last)
    return kept[place.group].pop(place.index)


def _replay(request: pytest.FixtureRequest, file: Path, last: int) -> dict[int, Replayed]:
    """Replay the exchanges of a file up to an index, in order, against one application."""
    from .recordings import replay
    from .served_app import sender

    exchanges = {index: each for index, each in _exchanges(file, request.config).items() if index <= last}
    results = replay([*exchanges.values()], sender(_application(request), file))
    return dict(zip(exchanges, results, strict=True))


def _accept(file: Path, index: int, exchange: Exchange) -> None:
    """Write one exchange to its line in the file, under a lock because several workers may write."""
    import fcntl
    import os

    from .recordings import read_file, update_file

    lock = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        exchanges = read_file(file)
        exchanges[index] = exchange
        update_file(file, exchanges)
    finally:
        os.close(lock)
