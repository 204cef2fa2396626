"""Rendering of responses: JSON, XML or CSV, chosen only by the extension of the path.

https://www.twilio.com/docs/usage/twilios-response
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from ...errors import ApiError
from ...verbs import xml_text
from .request import ApiAnswer, Fields, NoContent, OneResource, PlainDocument, RawBody, ResourceList

JSON_TYPE = "application/json"
XML_TYPE = "application/xml"
CSV_TYPE = "text/csv"

#: A price that is a number, outside of strings: there, a backslash is before the quotation mark.
_PRICE = re.compile(r'"price": (-?[0-9][0-9.e-]*)')
#: Names that are not simply the JSON key in camel case.
_XML_NAMES = {"sms_messages": "SMSMessages", "sip": "SIP"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """The body of a response, its content type and its status."""

    body: bytes
    content_type: str
    status: int


def render(answer: ApiAnswer, extension: str, *, is_2008: bool = False) -> Rendered:
    """Render a response; in 2008 a document had no XML declaration."""
    if isinstance(answer, NoContent):
        return Rendered(b"", "", answer.status)
    if isinstance(answer, RawBody):
        return Rendered(answer.content, answer.content_type, answer.status)
    if isinstance(answer, PlainDocument):
        return Rendered(_json_bytes(answer.document), JSON_TYPE, answer.status)
    status = answer.status if isinstance(answer, OneResource) else 200
    if extension == "json":
        return Rendered(_json_bytes(_document(answer)), JSON_TYPE, status)
    if extension == "csv":
        return Rendered(_csv(answer), CSV_TYPE, status)
    return Rendered(_xml_bytes(_xml(answer), is_2008=is_2008), XML_TYPE, status)


def render_error(error: ApiError, extension: str, *, more_info: str, is_2008: bool = False) -> Rendered:
    """Render an error; in 2008 the elements were in another order."""
    fields: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "more_info": f"{more_info}/{error.code}",
        "status": error.status,
    }
    if extension == "json":
        return Rendered(_json_bytes(fields), JSON_TYPE, error.status)
    order = ("status", "message", "code", "more_info") if is_2008 else tuple(fields)
    root = etree.Element("TwilioResponse")
    _append(root, "RestException", {name: fields[name] for name in order})
    return Rendered(_xml_bytes(root, is_2008=is_2008), XML_TYPE, error.status)


def _json_bytes(document: Any) -> bytes:
    return _PRICE.sub(lambda found: f'"price": {float(found[1]):.5f}', json.dumps(document)).encode()


def _document(answer: OneResource | ResourceList) -> Any:
    if isinstance(answer, OneResource):
        return answer.fields
    return {answer.key: list(answer.items), **answer.page}


def _xml(answer: OneResource | ResourceList) -> etree._Element:
    root = etree.Element("TwilioResponse")
    if isinstance(answer, OneResource):
        _append(root, answer.element, answer.fields)
        return root
    attributes = {name.replace("_", ""): _xml_value(value) for name, value in answer.page.items()}
    items = etree.SubElement(root, answer.element, attributes)
    for fields in answer.items:
        _append(items, answer.item, fields)
    return root


def _append(parent: etree._Element, name: str, fields: Fields) -> None:
    element = etree.SubElement(parent, name)
    for key, value in fields.items():
        if isinstance(value, Mapping):
            _append(element, xml_name(key), value)
        else:
            etree.SubElement(element, xml_name(key)).text = _xml_value(value) or None


def xml_name(key: str) -> str:
    """Return the XML name of a JSON key: ``num_segments`` is NumSegments."""
    return _XML_NAMES.get(key) or "".join(part.capitalize() for part in key.split("_"))


def _xml_bytes(root: etree._Element, *, is_2008: bool) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=not is_2008, pretty_print=True)


def _csv(answer: OneResource | ResourceList) -> bytes:
    rows = [answer.fields] if isinstance(answer, OneResource) else answer.items
    first = answer.blank if isinstance(answer, ResourceList) and not rows else rows[0]
    written = io.StringIO()
    writer = csv.writer(written)
    names = [name for name, value in first.items() if not isinstance(value, Mapping)]
    writer.writerow([xml_name(name) for name in names])
    writer.writerows([_xml_value(fields[name]) for name in names] for fields in rows)
    return written.getvalue().encode()


def _xml_value(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else xml_text(str(value))
