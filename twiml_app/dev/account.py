"""What ``dev`` keeps in a project: the account and the credentials that it makes up, and a lock while it runs."""

from __future__ import annotations

import fcntl
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ..errors import ConfigurationError
from ..private_files import create_private, make_private, write_private

#: Where they are kept, relative to the project.
FILE = Path("instance", "dev.env")
#: The one that runs holds a lock on it, and writes its address into it.
LOCK_FILE = Path("instance", "dev.lock")
#: Accounts of Twilio are random; one that begins like this was made up here.
_MADE_UP = "AC00000000"
_NAMES = ("TWIML_CREDENTIALS", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
_FORMS = (r"dev:[\w-]{16,200}", rf"{_MADE_UP}[0-9a-f]{{24}}", r"[0-9a-f]{32}")
_COMMENT = "# Made up by `twiml-app dev`: an emulated account. Delete the file to get a new one.\n"


@dataclass(frozen=True, slots=True, repr=False)
class DevAccount:
    """An emulated account, and the credentials of the program's URLs."""

    #: ``user:password``.
    credentials: str
    account_sid: str
    auth_token: str


def open_account(root: Path) -> DevAccount:
    """Return the account of a project; the first time, make one up and keep it in a private file.

    Raises: ConfigurationError, for a file that ``dev`` did not write, or that cannot be read or written.
    """
    file = root / FILE
    try:
        if not file.exists():
            file.parent.mkdir(mode=0o700, exist_ok=True)
            made_up = f"dev:{secrets.token_urlsafe(18)}", f"{_MADE_UP}{secrets.token_hex(12)}", secrets.token_hex(16)
            _write(file, DevAccount(*made_up))
        make_private(file)
        return _read(file)
    except OSError as error:
        raise ConfigurationError(str(FILE), f"cannot be used: {error}") from error


def lock_project(root: Path, page_url: str) -> TextIO:
    """Return a file whose lock no other ``dev`` of this project gets until it is closed, or the process ends.

    Raises: ConfigurationError, which names the phone page of the one that runs.
    """
    try:
        create_private(root / LOCK_FILE)
        file = (root / LOCK_FILE).open("r+", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(str(LOCK_FILE), f"cannot be used: {error}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.truncate()
        file.write(page_url)
        file.flush()
    except OSError as error:
        with file:
            raise ConfigurationError("twiml-app dev", _refusal(error, file)) from error
    return file


def _refusal(error: OSError, file: TextIO) -> str:
    if isinstance(error, BlockingIOError):
        return f"it runs in this project already: its phone page is {file.read()}"
    return f"{LOCK_FILE} cannot be used: {error}"


@contextmanager
def announced(root: Path, account: DevAccount, api_url: str) -> Iterator[None]:
    """Keep the address of the emulator next to its account while it runs: commands in this folder then find it.

    A folder that cannot be written, or is gone, does not matter.
    """
    with suppress(OSError):
        _write(root / FILE, account, f"TWIML_API_URL={api_url}\n")
    try:
        yield
    finally:
        with suppress(OSError):
            _write(root / FILE, account)


def _write(file: Path, account: DevAccount, *more: str) -> None:
    values = (account.credentials, account.account_sid, account.auth_token)
    write_private(file, [_COMMENT, *(f"{name}={value}\n" for name, value in zip(_NAMES, values, strict=True)), *more])


def _read(file: Path) -> DevAccount:
    """Return the account in a file.

    Raises: ConfigurationError, unless it was made up by ``dev``; OSError.
    """
    lines = dict(
        line.split("=", 1) for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if "=" in line
    )
    values = [lines.get(name, "") for name in _NAMES]
    for name, value, form in zip(_NAMES, values, _FORMS, strict=True):
        if not re.fullmatch(form, value):
            problem = (
                f"{name} is not one that `twiml-app dev` made up, and a real account is never used: delete the file"
            )
            raise ConfigurationError(str(FILE), problem)
    return DevAccount(*values)
