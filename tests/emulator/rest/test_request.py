"""Requests to the REST API: extensions, rules, and the resources that a path may name."""

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


def make_request(extension: str = "json", *, account_sid: str = PARENT) -> ApiRequest:
    """Return a request of the parent for the application, under the path of an account."""
    parent, child = (Account(sid=sid, account_sid=PARENT, auth_token="token", **DATES) for sid in (PARENT, CHILD))
    return ApiRequest(
        method="GET",
        path=f"/2010-04-01/Accounts/{account_sid}/Applications/{SID}",
        extension=extension,
        version="2010-04-01",
        query=Parameters({}),
        form=Parameters({}),
        caller=parent,
        account=child if account_sid == CHILD else parent,
        base_url="http://127.0.0.1:8088",
    )


@pytest.mark.parametrize(("extension", "suffix"), [("json", ".json"), ("csv", ".csv"), ("", "")])
def test_uris_in_the_response_keep_the_extension(extension: str, suffix: str) -> None:
    """A client that follows a URI gets the same representation again."""
    assert make_request(extension).suffix == suffix


def test_resource_of_the_account_is_found(store: ResourceStore) -> None:
    """The account in the path must own it."""
    assert find_own(store, Application, make_request(), SID).sid == SID


@pytest.mark.parametrize(
    ("kind", "account_sid", "sid"),
    [
        pytest.param(Application, PARENT, "AP" + "9" * 32, id="unknown SID"),
        pytest.param(Account, PARENT, SID, id="SID of another kind"),
        pytest.param(Application, CHILD, SID, id="another account"),
    ],
)
def test_resource_that_the_account_does_not_have_is_not_found(
    store: ResourceStore, kind: type[Application] | type[Account], account_sid: str, sid: str
) -> None:
    """All errors are the same, so that they do not reveal the resources of other accounts."""
    request = make_request(account_sid=account_sid)
    with pytest.raises(ApiError) as refused:
        find_own(store, kind, request, sid)

    assert (refused.value.status, refused.value.code) == (404, 20404)
    assert refused.value.message == f"The requested resource {request.path}.json was not found"


def test_error_repeats_only_the_start_of_a_long_path() -> None:
    """Anyone can choose the path, and the error is stored in a log."""
    assert not_found("/" + "x" * 5000).message == (
        f"The requested resource /{'x' * (MAX_PATH_CHARACTERS - 4)}... was not found"
    )


def test_rules_are_compared_by_identity() -> None:
    """The URL map returns the same rule object that it was given."""
    first, second = Rule(path="/one"), Rule(path="/one")

    assert first != second
    assert len({first, second, first}) == 2
