"""The programs of the page about conversations do what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.servers import ROOT
from tests.webhook_requests import BASIC
from twiml_app.app import build_app
from twiml_app.testing import Phone


def test_programs_of_the_page_keep_state_and_hand_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Users copy them."""
    page = (ROOT / "docs" / "conversations.md").read_text()
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names)
    url = f"sqlite:///{tmp_path}/twiml.db"
    phone = Phone(build_app({**BASIC, "TWIML_DATABASE_URL": url}, tmp_path, router=names["router"]))

    assert phone.text("topping ham").text == "Which size? For example: size large"
    assert phone.text("size large").text == "Which topping?"
    assert phone.text("topping ham").text == "A large pizza with ham."
    assert phone.text("topping ham").text == "Which size? For example: size large"
    assert phone.text("agent").text == "Somebody will write to you soon."
    assert phone.text("size large").texts == []
    assert capsys.readouterr().out == f"{phone.contact} size large\n"
    assert phone.text("done").texts == []
    assert phone.text("size large").text == "Which topping?"
