"""Links to local files: which files are accepted, and which links are refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.media.internet import JPEG
from tests.webhook_requests import BASIC, read_settings
from twiml_app.errors import ConfigurationError, Forbidden, Gone, MediaError
from twiml_app.media.kinds import CHANNEL_BYTES, MMS_BYTES, UNFITTED_BYTES, WHATSAPP_IMAGE_BYTES
from twiml_app.media.links import LIFETIME_S, MediaLinks

PUBLIC = {"TWIML_PUBLIC_URL": "https://sms.example.com"}
NOW = 1_800_000_000.0
BEGINNINGS = {".jpg": b"\xff\xd8\xff", ".png": b"\x89PNG\r\n\x1a\n", ".gif": b"GIF89a"}


def links(root: Path, *settings: dict[str, object], now: float = NOW) -> MediaLinks:
    """Return the links of an application with a public URL and this folder."""
    return MediaLinks(read_settings(BASIC, PUBLIC, *settings), root, clock=lambda: now)


def opened(made: MediaLinks, url: str) -> bytes:
    """Return the content of the file that a link names."""
    parts = urlsplit(url)
    with made.open(unquote(parts.path.rpartition("/")[2]), parse_qs(parts.query)["token"][0]).file as file:
        return file.read()


def add(folder: Path, name: str, content: bytes = JPEG) -> Path:
    """Put a file into a folder, and return its path."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def large(folder: Path, name: str, size: int) -> Path:
    """Put a file of a size into a folder that takes no room."""
    path = add(folder, name, BEGINNINGS.get(Path(name).suffix, b"x"))
    os.truncate(path, size)
    return path


@pytest.mark.parametrize("is_absolute", [False, True], ids=["relative", "absolute"])
def test_link_names_the_file_and_opens_it(tmp_path: Path, is_absolute: bool) -> None:
    """People see the name of the file, which is therefore the last part of the URL."""
    add(tmp_path, "menus/today.jpg")
    made = links(tmp_path)

    url = made.url(tmp_path / "menus" / "today.jpg" if is_absolute else Path("menus/today.jpg"))

    assert url.startswith("https://sms.example.com/media/today.jpg?token=")
    assert opened(made, url) == JPEG


def test_link_works_on_another_machine_with_the_project_elsewhere(tmp_path: Path) -> None:
    """Any worker may get the request of Twilio, and nothing about a link is kept in memory."""
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        add(folder, "menu.jpg")

    assert opened(links(there), links(here).url(here / "menu.jpg")) == JPEG


def test_file_outside_of_the_project_can_be_sent(tmp_path: Path) -> None:
    """Charts are often drawn into a folder for temporary files."""
    project = tmp_path / "project"
    project.mkdir()
    made = links(project)

    assert opened(made, made.url(add(tmp_path, "chart.png", BEGINNINGS[".png"]))) == BEGINNINGS[".png"]


def test_project_behind_a_symbolic_link_can_be_moved(tmp_path: Path) -> None:
    """Deployments switch a link from one release to the next, and older links must still work."""
    for release in ("1", "2"):
        (tmp_path / release).mkdir()
        add(tmp_path / release, "menu.jpg")
    current = tmp_path / "current"
    current.symlink_to("1")
    url = links(current).url(current / "menu.jpg")
    current.unlink()
    current.symlink_to("2")

    assert opened(links(current), url) == JPEG


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("Grüße & mehr.jpg", "Gr%C3%BC%C3%9Fe%20%26%20mehr.jpg"),
        ('a"b<c>.jpg', "a%22b%3Cc%3E.jpg"),
        ("100%.jpg", "100%25.jpg"),
        ("what?#.jpg", "what%3F%23.jpg"),
    ],
)
def test_names_are_quoted(tmp_path: Path, name: str, quoted: str) -> None:
    """Any name of a file is valid in a URL and in a document."""
    made = links(tmp_path)
    url = made.url(add(tmp_path, name))

    assert f"/media/{quoted}?token=" in url
    assert opened(made, url) == JPEG


def test_prefix_and_path_of_the_links_are_those_of_the_application(tmp_path: Path) -> None:
    """In a bigger application everything is below a prefix."""
    add(tmp_path, "menu.jpg")
    made = MediaLinks(read_settings(BASIC, PUBLIC, TWIML_MEDIA_PATH="/files/"), tmp_path, "/sms")

    assert made.folder == "/files"
    assert made.url(Path("menu.jpg")).startswith("https://sms.example.com/sms/files/menu.jpg?token=")


def test_public_url_is_needed_outside_of_a_request(tmp_path: Path) -> None:
    """Nothing else says where Twilio reaches the application."""
    add(tmp_path, "menu.jpg")

    with pytest.raises(ConfigurationError) as caught:
        MediaLinks(read_settings(BASIC), tmp_path).url(Path("menu.jpg"))

    assert str(caught.value) == (
        "TWIML_PUBLIC_URL: set it to the URL under which Twilio reaches the application, to download local files"
    )


Make = Callable[[Path], Path]


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        pytest.param(lambda root: root / "none.jpg", "it cannot be read: No such file or directory", id="missing"),
        pytest.param(lambda _: Path("a\0.jpg"), "it has characters that no path can have", id="NUL"),
        pytest.param(lambda _: Path("a\ud800.jpg"), "it has characters that no path can have", id="half a character"),
        pytest.param(lambda root: root, "it is not a file", id="folder"),
        pytest.param(lambda _: Path("/dev/zero"), "it is not a file", id="device"),
        pytest.param(
            lambda _: Path("charts/../../etc/passwd.jpg"),
            "its path has .. in it: resolve it first, if no part of it comes from a text",
            id="traversal",
        ),
        pytest.param(lambda _: Path("/etc/passwd"), "Twilio accepts no files that end in passwd", id="passwords"),
        pytest.param(lambda root: add(root, ".env"), "Twilio accepts no files that end in .env", id="settings"),
        pytest.param(lambda root: add(root, "app.py"), "Twilio accepts no files that end in .py", id="source"),
        pytest.param(lambda root: add(root, "page.html"), "Twilio accepts no files that end in .html", id="page"),
        pytest.param(lambda root: add(root, "a.jpg", b""), "it is empty", id="empty"),
        pytest.param(
            lambda root: add(root, "a.jpg", BEGINNINGS[".png"]),
            "it does not begin like image/jpeg: Twilio refuses a file of another type than its name says",
            id="another type",
        ),
        pytest.param(
            lambda root: add(root, "a\n.jpg"),
            "its name has characters that do not belong into a URL: rename it",
            id="line break in the name",
        ),
        pytest.param(
            lambda root: add(root, os.fsdecode(b"a\xff.jpg")),
            "its name has characters that do not belong into a URL: rename it",
            id="bytes in the name",
        ),
        pytest.param(
            lambda root: large(root, "a.png", MMS_BYTES + 1),
            "it has 5242881 bytes, and Twilio sends at most 5242880 of image/png",
            id="large image",
        ),
        pytest.param(
            lambda root: large(root, "a.pdf", UNFITTED_BYTES + 1),
            "it has 512001 bytes, and Twilio sends at most 512000 of application/pdf",
            id="large document",
        ),
    ],
)
def test_file_that_cannot_be_sent_is_refused(tmp_path: Path, make: Make, problem: str) -> None:
    """The program learns it at once, not from an error code that Twilio reports later."""
    with pytest.raises(MediaError) as caught:
        links(tmp_path).url(make(tmp_path))

    assert caught.value.problem == problem


def test_loop_of_symbolic_links_is_refused(tmp_path: Path) -> None:
    """A path without an end is an error like any other."""
    (tmp_path / "a.jpg").symlink_to("a.jpg")

    with pytest.raises(MediaError, match="it cannot be read: Too many levels of symbolic links"):
        links(tmp_path).url(Path("a.jpg"))


@pytest.mark.parametrize(
    ("name", "size", "channel"),
    [
        pytest.param("a.jpg", MMS_BYTES, "sms", id="image by MMS"),
        pytest.param("a.GIF", MMS_BYTES, "sms", id="name in capitals"),
        pytest.param("a.pdf", UNFITTED_BYTES, "sms", id="document by MMS"),
        pytest.param("a.pdf", CHANNEL_BYTES, "whatsapp", id="document by WhatsApp"),
        pytest.param("a.png", WHATSAPP_IMAGE_BYTES, "whatsapp", id="image by WhatsApp"),
        pytest.param("a.png", CHANNEL_BYTES, "rcs", id="image by RCS"),
    ],
)
def test_limits_are_those_of_the_channel(tmp_path: Path, name: str, size: int, channel: str) -> None:
    """Twilio's limits differ by channel and by type, https://www.twilio.com/docs/messaging/guides/accepted-mime-types."""
    path = large(tmp_path, name, size)
    if name.endswith("GIF"):
        with path.open("r+b") as file:
            file.write(BEGINNINGS[".gif"])

    assert links(tmp_path).url(path, channel=channel)
    os.truncate(path, size + 1)
    with pytest.raises(MediaError, match=f"it has {size + 1} bytes, and Twilio sends at most {size} of"):
        links(tmp_path).url(path, channel=channel)


def test_limit_is_for_all_files_of_a_message_together(tmp_path: Path) -> None:
    """Twilio adds them up."""
    paths = [large(tmp_path, name, MMS_BYTES // 2) for name in ("a.jpg", "b.jpg", "c.jpg")]

    assert len(links(tmp_path).urls("https://a.example", paths[:2], channel="sms")) == 2
    with pytest.raises(MediaError, match="the message have 7864320 bytes together, and Twilio sends at most"):
        links(tmp_path).urls("https://a.example", paths, channel="sms")


@given(data=st.data())
def test_changed_link_is_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """A link opens exactly the file for which it was made: no byte of it can be changed."""
    folder = tmp_path_factory.getbasetemp() / "changed"
    folder.mkdir(exist_ok=True)
    add(folder, "menu.jpg")
    made = links(folder)
    token = made.url(Path("menu.jpg")).partition("token=")[2]
    place = data.draw(st.integers(0, len(token) - 2))  # the last character has bits that mean nothing
    other = data.draw(st.characters(codec="utf-8").filter(lambda character: character != token[place]))

    with pytest.raises(Forbidden) as caught:
        made.open("menu.jpg", token[:place] + other + token[place + 1 :])

    assert caught.value.line == "the link is not valid"


@pytest.mark.parametrize("token", ["", ".", "a.b", "WyIvZXRjL3Bhc3N3ZCIsIDFd", "é", "." * 10_000])
def test_text_that_is_no_token_is_refused(tmp_path: Path, token: str) -> None:
    """Anybody may ask for anything."""
    with pytest.raises(Forbidden):
        links(tmp_path).open("menu.jpg", token)


@pytest.mark.parametrize("name", ["other.jpg", "menu.html", "", "../menu.jpg"])
def test_link_with_another_name_is_refused(tmp_path: Path, name: str) -> None:
    """The name decides the content type, and what people see."""
    add(tmp_path, "menu.jpg")
    made = links(tmp_path)

    with pytest.raises(Forbidden):
        made.open(name, made.url(Path("menu.jpg")).partition("token=")[2])


def test_token_of_a_status_url_opens_no_file(tmp_path: Path) -> None:
    """Each kind of token has a salt of its own."""
    made = links(tmp_path)
    foreign = made._serializer.__class__(list(read_settings(BASIC).secret_keys), salt="twiml_app.status")
    token = foreign.dumps(["menu.jpg", 2**40])

    with pytest.raises(Forbidden):
        made.open("menu.jpg", token if isinstance(token, str) else token.decode())


def test_link_expires(tmp_path: Path) -> None:
    """A link that leaks does not work for ever."""
    add(tmp_path, "menu.jpg")
    url = links(tmp_path).url(Path("menu.jpg"))

    assert opened(links(tmp_path, now=NOW + LIFETIME_S), url) == JPEG
    with pytest.raises(Gone, match="the link has expired"):
        opened(links(tmp_path, now=NOW + LIFETIME_S + 1), url)


def test_older_keys_still_open_links(tmp_path: Path) -> None:
    """Keys are rotated while messages wait in a queue."""
    add(tmp_path, "menu.jpg")
    url = links(tmp_path, {"SECRET_KEY": "old"}).url(Path("menu.jpg"))

    assert opened(links(tmp_path, {"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": "old"}), url) == JPEG
    with pytest.raises(Forbidden) as caught:
        opened(links(tmp_path, {"SECRET_KEY": "new"}), url)
    assert "keep the old key in SECRET_KEY_FALLBACKS" in caught.value.reason


def replace_file(path: Path, secret: Path) -> None:
    """Replace a file by a link to another one."""
    path.unlink()
    path.symlink_to(secret)


def replace_folder(path: Path, secret: Path) -> None:
    """Replace the folder of a file by a link to another folder."""
    path.unlink()
    path.parent.rmdir()
    path.parent.symlink_to(secret.parent)


def replace_by_pipe(path: Path, _secret: Path) -> None:
    """Replace a file by a pipe, from which nothing ever comes."""
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("change", [replace_file, replace_folder, replace_by_pipe, lambda path, _: path.unlink()])
def test_file_that_was_replaced_by_something_else_is_gone(tmp_path: Path, change: Callable[[Path, Path], None]) -> None:
    """Whoever may write to a folder for pictures must not get to read every file of the application."""
    secret = add(tmp_path / "secrets", "menu.jpg", b"secret")
    path = add(tmp_path / "uploads", "menu.jpg")
    made = links(tmp_path)
    url = made.url(path)
    change(path, secret)

    with pytest.raises(Gone, match="the file is gone"):
        opened(made, url)


def test_symbolic_link_that_the_program_named_is_followed(tmp_path: Path) -> None:
    """``current.jpg`` may be a link; the file to which it leads then is the one that is sent."""
    first, second = add(tmp_path, "1.jpg"), add(tmp_path, "2.jpg", b"\xff\xd8\xffsecond")
    current = tmp_path / "current.jpg"
    current.symlink_to(first)
    made = links(tmp_path)
    url = made.url(current)
    current.unlink()
    current.symlink_to(second)

    assert opened(made, url) == JPEG
