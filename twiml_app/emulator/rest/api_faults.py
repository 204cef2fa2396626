"""Faults of the REST API: requests that are refused, answered late, or cut off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request

from ...errors import ApiError
from ..context import Context
from ..faults import Fault, Faults, Occasion
from ..numbers import read_sender
from .parameters import Parameters

#: The code, the message and the HTTP status of the requests that are not carried out; 0 for a connection that is cut.
_REFUSALS = {
    "api-404": (20404, "The requested resource was not found", 404),
    "api-429": (20429, "Too Many Requests", 429),
    "api-500": (20500, "An internal server error has occurred", 500),
    "api-503": (20503, "Service Unavailable: try again later", 503),
    "api-cut-before": (0, "The connection is cut before the request is carried out", 0),
}
_SLOW, _CUT_AFTER, _STATUS = "api-slow", "api-cut-after", "api-status"
_KINDS = (*_REFUSALS, _SLOW, _CUT_AFTER, _STATUS)
#: The code of an error is this and its HTTP status, as of most of Twilio's general errors.
_GENERAL_CODE = 20_000


def take_fault(context: Context, request: Request, form: Parameters, values: Mapping[str, Any]) -> Fault | None:
    """Return the fault that happens to a request, if any; ``values`` are those in its path."""
    if not context.faults:
        return None
    occasion = Occasion(
        contact=_address(form.text("To")),
        number=_address(form.text("From")),
        account_sid=values.get("account_sid", ""),
        path=f"{request.method} {request.path}",
    )
    return context.faults.take(*_KINDS, occasion=occasion)


def _address(text: str) -> str:
    address = read_sender(text)
    return address.text if address else text


def refuse_by(fault: Fault | None) -> None:
    """Refuse a request that is not to be carried out.

    Raises: ApiError.
    """
    if fault and fault.kind in _REFUSALS:
        code, message, status = _REFUSALS[fault.kind]
        raise ApiError(code, message, status=status)
    if fault and fault.kind == _STATUS:
        problem = f"The request failed with the status {fault.status}, as was asked for"
        raise ApiError(_GENERAL_CODE + fault.status, problem, status=fault.status)


def hints_about(fault: Fault | None) -> tuple[str, ...]:
    """Return a hint for the log: who forgot about a fault would look for it in the client."""
    return (f"this is the fault {fault.kind}, which was asked for",) if fault else ()


def is_cut_by(fault: Fault | None) -> bool:
    """Return whether a request gets no answer."""
    return fault is not None and fault.kind in ("api-cut-before", _CUT_AFTER)


def end_by(fault: Fault, faults: Faults) -> None:
    """Delay the answer to a request, or refuse to send it.

    Raises: ConnectionAbortedError, for a connection to cut.
    """
    if fault.kind == _SLOW:
        faults.wait(fault.seconds)
    if is_cut_by(fault):
        raise ConnectionAbortedError(f"the connection is cut: {fault.kind}")
