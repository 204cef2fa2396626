"""The pytest plugin: a phone that texts the user's application, and recordings as tests.

pytest loads this module in every run where the package is installed, so it imports the rest only when needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask import Flask

    from .emulator import Emulator
    from .recordings import Exchange
    from .testing import Phone

INI = "twiml_recordings"
MARKER = "twiml_recordings"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini setting that lists recordings, and the option that accepts new answers."""
    parser.addini(INI, "recordings whose exchanges are run as tests: patterns such as tests/recordings/*.jsonl", "args")
    group = parser.getgroup("twiml_app")
    group.addoption("--twiml-update", action="store_true", help="accept new answers: write them into the recordings")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", f"{MARKER}(*patterns): run the test once per exchange in these recordings")


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
    from .testing import emulator_for

    environment: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    with emulator_for(_application(request)) as running:
        environment.setenv("TWIML_EMULATOR_URL", running.url)
        environment.setenv("TWILIO_ACCOUNT_SID", running.account_sid)
        environment.setenv("TWILIO_AUTH_TOKEN", running.auth_token)
        yield running


@pytest.fixture
def recorded_exchange(request: pytest.FixtureRequest) -> Callable[[], None]:
    """A function that checks one exchange of the marker's recordings: call it."""
    file, index = request.param
    return lambda: _check(request, file, index)


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
    """Run a marked test once per recorded exchange."""
    if "recorded_exchange" not in metafunc.fixturenames:
        return
    patterns = [pattern for mark in metafunc.definition.iter_markers(MARKER) for pattern in mark.args]
    root = metafunc.config.rootpath
    cases = [(file, index, name) for file in _files(root, patterns) for index, name in _names(file)]
    if patterns and not cases:
        raise pytest.UsageError(f"no recorded exchange in {', '.join(patterns)}, relative to {root}")
    metafunc.parametrize(
        "recorded_exchange",
        [(file, index) for file, index, _ in cases],
        ids=[name for *_, name in cases],
        indirect=True,
    )


def _files(root: Path, patterns: list[str]) -> list[Path]:
    return sorted({file for pattern in patterns for file in root.glob(pattern)})


def _names(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the index of each exchange in a file, and a name for its test."""
    from .recordings import read_file

    for index, exchange in enumerate(read_file(file)):
        what = (
            exchange.form.get("MessageStatus", "status") if exchange.kind == "status" else exchange.form.get("Body", "")
        )
        word = "".join(character if character.isprintable() else " " for character in what)
        yield index, f"{file.stem}:{index + 1} {word[:30].replace('::', ':')}".strip()


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
            names = [*_names(self.path)]
        except RecordingError as error:
            raise self.CollectError(str(error)) from error
        for index, name in names:
            yield pytest.Function.from_parent(self, name=name, callobj=_test_of(self.path, index))


def _test_of(file: Path, index: int) -> Callable[[pytest.FixtureRequest], None]:
    def test(request: pytest.FixtureRequest) -> None:
        _check(request, file, index)

    return test


def _check(request: pytest.FixtureRequest, file: Path, index: int) -> None:
    """Replay one exchange; fail if the answer differs, or accept the new answer."""
    from .recordings import read_file, replay
    from .testing import sender

    exchange = read_file(file)[index]
    (result,) = replay([exchange], sender(_application(request)))
    if result.agrees:
        return
    if request.config.getoption("--twiml-update") and result.answer:
        _accept(file, index, result.updated())
        return
    lines = "\n".join(f"    {line}" for line in result.differences)
    pytest.fail(f"{exchange.handler or exchange.kind} answered differently from the recording:\n{lines}", pytrace=False)


def _accept(file: Path, index: int, exchange: Exchange) -> None:
    """Write one exchange to its line in the file, under a lock because several workers may write."""
    import fcntl
    import os

    from .recordings import read_file, write_file

    lock = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        exchanges = read_file(file)
        exchanges[index] = exchange
        write_file(file, exchanges)
    finally:
        os.close(lock)
