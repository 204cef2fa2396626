"""The pictures of the phone page are there, small, and of the size that the command makes."""

from __future__ import annotations

import struct

import pytest

from scripts.screenshots import ALL, MAX_BYTES, PICTURES, Picture


@pytest.mark.parametrize("picture", [pytest.param(each, id=each.name) for each in ALL])
def test_picture_is_small_and_of_the_size_that_the_command_makes(picture: Picture) -> None:
    """A picture from elsewhere would not be renewed, and a large one makes every clone slow."""
    content = (PICTURES / picture.name).read_bytes()

    assert len(content) <= MAX_BYTES
    assert struct.unpack(">II", content[16:24]) == (picture.width, picture.height)
