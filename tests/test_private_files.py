"""Private files: their modes whatever the umask is, and writes that leave nothing half done."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.file_modes import mode_of, run_with_umask
from twiml_app.private_files import create_private, is_open_to_others, make_private, rewrite, write_private

CALL = """
from pathlib import Path
from twiml_app import private_files
getattr(private_files, sys.argv[1])(Path(sys.argv[2]), *sys.argv[3:])
"""
UMASKS = [pytest.param(0, id="umask 0"), pytest.param(0o077, id="umask 077"), pytest.param(0o277, id="umask 277")]


@pytest.mark.parametrize("umask", UMASKS)
def test_written_file_is_private(tmp_path: Path, umask: int) -> None:
    """A service manager or a shell may start the command with any umask."""
    file = tmp_path / "a"
    run_with_umask(umask, CALL, "write_private", str(file), "Hé")

    assert (mode_of(file), file.read_text()) == (0o600, "Hé")


def test_created_file_is_private(tmp_path: Path) -> None:
    """SQLite creates its files with the umask, and gives the others the mode of the first."""
    file = tmp_path / "a"
    run_with_umask(0, CALL, "create_private", str(file))

    assert mode_of(file) == 0o600


def test_creating_leaves_an_existing_file_unchanged(tmp_path: Path) -> None:
    """It may belong to another program, so it must first be read."""
    (tmp_path / "a").write_text("theirs")
    (tmp_path / "a").chmod(0o644)

    create_private(tmp_path / "a")

    assert (mode_of(tmp_path / "a"), (tmp_path / "a").read_text()) == (0o644, "theirs")


MODES = [
    pytest.param(0o644, 0o600, id="others can read"),
    pytest.param(0o640, 0o600, id="the group can read"),
    pytest.param(0o602, 0o600, id="others can write"),
    pytest.param(0o600, 0o600, id="private"),
    pytest.param(0o400, 0o400, id="read-only"),
]


@pytest.mark.parametrize(("before", "after"), MODES)
def test_existing_file_is_narrowed_and_never_widened(tmp_path: Path, before: int, after: int) -> None:
    """An owner may have taken away even the own right to write."""
    for name in ("a", "b"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(before)

    make_private(tmp_path / "a")
    write_private(tmp_path / "b", "text")

    assert (mode_of(tmp_path / "a"), mode_of(tmp_path / "b")) == (after, after)


def test_missing_file_needs_no_change(tmp_path: Path) -> None:
    """SQLite deletes the files next to a database when it is closed."""
    make_private(tmp_path / "a")

    assert not is_open_to_others(tmp_path / "a")


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o644], ids=oct)
def test_rewritten_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    """The files of a repository that a group shares stay readable for the group."""
    file = tmp_path / "a"
    file.touch()
    file.chmod(mode)

    run_with_umask(0o027, CALL, "rewrite", str(file), "new")

    assert (mode_of(file), file.read_text()) == (mode, "new")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_rewritten_file_keeps_its_owner_and_group(tmp_path: Path) -> None:
    """In a container, root rewrites the files of a developer, who must still be able to read them."""
    file = tmp_path / "a"
    file.touch()
    os.chown(file, 1234, 2345)

    rewrite(file, "new")

    assert (file.stat().st_uid, file.stat().st_gid) == (1234, 2345)


def test_mode_for_one_group_is_not_given_to_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who is not in the file's group cannot keep it, and the user's own group was given no access."""
    (tmp_path / "a").touch()
    (tmp_path / "a").chmod(0o664)
    found = os.stat_result([*(tmp_path / "a").stat()[:5], 2345, 0, 0, 0, 0])
    monkeypatch.setattr(Path, "stat", lambda *_, **__: found)
    monkeypatch.setattr(os, "fchown", _refuse)

    rewrite(tmp_path / "a", "new")
    monkeypatch.undo()

    assert mode_of(tmp_path / "a") == 0o604


def _refuse(*_: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("save", [write_private, rewrite])
def test_file_is_written_where_modes_cannot_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save: Callable[[Path, str], None]
) -> None:
    """A memory stick has no modes."""
    (tmp_path / "a").touch()
    monkeypatch.setattr(os, "fchmod", _refuse)

    save(tmp_path / "a", "text")

    assert (tmp_path / "a").read_text() == "text"


def test_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    """A folder full of drafts with texts would be found by nobody."""
    (tmp_path / "a").write_text("old")

    with pytest.raises(UnicodeEncodeError):
        write_private(tmp_path / "a", "\ud83d")

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


@pytest.mark.parametrize(
    ("folder", "mode", "is_open"),
    [
        pytest.param(0o755, 0o644, True, id="others can read"),
        pytest.param(0o755, 0o602, True, id="others can write"),
        pytest.param(0o700, 0o644, False, id="in a private folder"),
        pytest.param(0o755, 0o640, False, id="the group can read"),
        pytest.param(0o755, 0o600, False, id="private"),
    ],
)
def test_file_is_open_if_others_reach_it(tmp_path: Path, folder: int, mode: int, is_open: bool) -> None:
    """A group that an operator chose, for example for backups, is not a mistake."""
    (tmp_path / "made").mkdir()
    (tmp_path / "made").chmod(folder)
    (tmp_path / "made" / "a").touch()
    (tmp_path / "made" / "a").chmod(mode)

    assert is_open_to_others(tmp_path / "made" / "a") is is_open


def test_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    """A recording may be exported to a device or a pipe, which belongs to the system."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    write_private(pipe, ["a\n", "b\n"])

    assert (os.read(reader, 100), pipe.is_fifo()) == (b"a\nb\n", True)
    os.close(reader)


def test_null_device_stays_a_device_that_everybody_can_use() -> None:
    """Run by the administrator, an export to it would otherwise stop half of the system."""
    before = Path("/dev/null").stat()

    write_private(Path("/dev/null"), ["a\n"])

    after = Path("/dev/null").stat()
    assert (after.st_mode, after.st_ino) == (before.st_mode, before.st_ino)


def test_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    """A link is how somebody chose where a recording is kept."""
    (tmp_path / "link").symlink_to(tmp_path / "kept")

    write_private(tmp_path / "link", ["a\n"])

    assert ((tmp_path / "link").is_symlink(), (tmp_path / "kept").read_text()) == (True, "a\n")
