"""A request to the REST API before it is HTTP: its extension, its rule, and the resources it may name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.emulator.rest.asking import START
from twiml_app.emulator.resources import Account, Application
from twiml_app.emulator.rest.parameters import Parameters
from twiml_app.emulator.rest.request import MAX_PATH_CHARACTERS, ApiRequest, Rule, find_own, not_found
from twiml_app.emulator.store import ResourceStore
from twiml_app.errors import ApiError

PARENT, CHILD = "AC" + "1" * 32, "AC" + "2" * 32
SID = "AP" + "1" * 32
DATES: dict[str, Any] = {"date_created": START, "date_updated": START}


@pytest.fixture
def store() -> Iterator[ResourceStore]:
    """A store with an application of the parent."""
    with closing(ResourceStore()) as opened:
        opened.save(Application(sid=SID, account_sid=PARENT, **DATES))
        yield opened


def ask(extension: str = "json", *, about: str = PARENT) -> ApiRequest:
    """Make the parent's request for the application, under the path of an account."""
    parent, child = (Account(sid=sid, account_sid=PARENT, auth_token="token", **DATES) for sid in (PARENT, CHILD))
    return ApiRequest(
        method="GET",
        path=f"/2010-04-01/Accounts/{about}/Applications/{SID}",
        extension=extension,
        version="2010-04-01",
        query=Parameters({}),
        form=Parameters({}),
        caller=parent,
        account=child if about == CHILD else parent,
    )


@pytest.mark.parametrize(("extension", "suffix"), [("json", ".json"), ("csv", ".csv"), ("", "")])
def test_addresses_in_the_answer_keep_the_extension(extension: str, suffix: str) -> None:
    """A client that follows an address gets the representation that it reads already."""
    assert ask(extension).suffix == suffix


def test_resource_of_the_account_is_found(store: ResourceStore) -> None:
    """The account that counts is the one in the path."""
    assert find_own(store, Application, ask(), SID).sid == SID


@pytest.mark.parametrize(
    ("kind", "about", "sid"),
    [
        pytest.param(Application, PARENT, "AP" + "9" * 32, id="no such sid"),
        pytest.param(Account, PARENT, SID, id="another kind"),
        pytest.param(Application, CHILD, SID, id="another account"),
    ],
)
def test_resource_that_the_account_does_not_have_is_not_found(
    store: ResourceStore, kind: type[Application] | type[Account], about: str, sid: str
) -> None:
    """Whether somebody else has it must not show: the answers are the same."""
    request = ask(about=about)
    with pytest.raises(ApiError) as refused:
        find_own(store, kind, request, sid)

    assert (refused.value.status, refused.value.code) == (404, 20404)
    assert refused.value.message == f"The requested resource {request.path}.json was not found"


def test_refusal_repeats_only_the_beginning_of_a_long_path() -> None:
    """The path comes from anybody, and the refusal goes into a log."""
    assert not_found("/" + "x" * 5000).message == (
        f"The requested resource /{'x' * (MAX_PATH_CHARACTERS - 4)}... was not found"
    )


def test_rules_with_the_same_path_are_different() -> None:
    """A rule is found again by the router as the very object that was given to it."""
    first, second = Rule(path="/one"), Rule(path="/one")

    assert first != second
    assert len({first, second, first}) == 2
