"""Emulator-only endpoints for faults: list them, add one, remove one or all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict

from ...errors import ApiError, ConfigurationError
from ..context import Context
from ..fault_kinds import FAULT_KINDS
from ..faults import MAX_COUNT, MAX_ERROR_CODE, MAX_SECONDS, MAX_STATUS, MIN_STATUS, Fault, FaultRule
from ..quoting import shown
from .parameters import INVALID_PARAMETER, Parameters
from .request import CONTROL, ApiAnswer, ApiRequest, Fields, NoContent, PlainDocument, Rule, not_found

_DECIMAL = re.compile(r"[0-9]{1,4}(\.[0-9]{0,6})?|\.[0-9]{1,6}")


class ControlFaults:
    """The faults of the emulator."""

    def __init__(self, context: Context) -> None:
        self._faults = context.faults

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        views = {"GET": self.show, "POST": self.add, "DELETE": self.clear}
        yield Rule(path=f"{CONTROL}/faults", views=views, is_json=True)
        yield Rule(path=f"{CONTROL}/faults/<int:number>", views={"DELETE": self.remove}, is_json=True)

    def show(self, request: ApiRequest) -> ApiAnswer:
        """Show the rules, oldest first, and the kinds of faults that there are."""
        rules = [_rule_fields(rule) for rule in self._faults.all()]
        kinds = [asdict(kind) for kind in FAULT_KINDS.values()]
        return PlainDocument(document={"faults": rules, "kinds": kinds})

    def add(self, request: ApiRequest) -> ApiAnswer:
        """Add a rule."""
        try:
            rule = self._faults.add(_read_fault(request.form))
        except ConfigurationError as error:
            raise ApiError(INVALID_PARAMETER, str(error)) from error
        return PlainDocument(document=_rule_fields(rule), status=201)

    def clear(self, request: ApiRequest) -> ApiAnswer:
        """Remove every rule."""
        self._faults.clear()
        return NoContent()

    def remove(self, request: ApiRequest, number: int) -> ApiAnswer:
        """Remove a rule."""
        if not self._faults.remove(number):
            raise not_found(request.path)
        return NoContent()


def _rule_fields(rule: FaultRule) -> Fields:
    return {"id": rule.id, **asdict(rule.fault), "happened": rule.happened, "left": rule.left}


def _read_fault(form: Parameters) -> Fault:
    """Return the fault that a form describes.

    Raises: ApiError.
    """
    if not form.text("Kind"):
        raise ApiError(INVALID_PARAMETER, f"Kind is required: it must be {' or '.join(FAULT_KINDS)}.")
    return Fault(
        form.text("Kind"),
        count=form.integer("Count", 1, MAX_COUNT, INVALID_PARAMETER),
        probability=_decimal(form, "Probability", 1.0, 1.0),
        seed=form.integer("Seed", 0, MAX_COUNT, INVALID_PARAMETER) or 0,
        contact=form.text("Contact"),
        number=form.text("Number"),
        account_sid=form.text("AccountSid"),
        path=form.text("Path"),
        event=form.text("Event"),
        error_code=form.integer("ErrorCode", 1, MAX_ERROR_CODE, INVALID_PARAMETER) or 0,
        status=form.integer("Status", MIN_STATUS, MAX_STATUS, INVALID_PARAMETER) or 0,
        seconds=_decimal(form, "Seconds", 0.0, MAX_SECONDS),
        text=form.text("Text"),
    )


def _decimal(form: Parameters, name: str, default: float, most: float) -> float:
    """Return a number above 0, or the default if none is given.

    Raises: ApiError.
    """
    text = form.text(name)
    if not text:
        return default
    number = float(text) if _DECIMAL.fullmatch(text) else 0.0
    if not 0 < number <= most:
        raise ApiError(INVALID_PARAMETER, f"{name} is {shown(text)!r}: it must be a number above 0, up to {most:g}.")
    return number
