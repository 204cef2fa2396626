"""Read the body of a request to the phone page: JSON, or a form with files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request

from ...errors import ApiError
from ..media import DEFAULT_LIMITS, FetchedMedia, uploaded
from .exchange import PageRequest, refusal

#: The largest JSON document, and the largest form, which has files and their names besides.
MAX_JSON = 100_000
MAX_FORM = DEFAULT_LIMITS.max_bytes + 200_000
_FORM_TYPE = "multipart/form-data"


class RawRequest(Request):
    """A request whose form is bounded."""

    max_content_length = MAX_FORM
    max_form_memory_size = MAX_JSON
    max_form_parts = 50

    def _get_file_stream(self, *_: object, **__: object) -> BytesIO:
        """Keep files in memory, where nothing has to be closed."""
        return BytesIO()


def read_request(raw: RawRequest) -> PageRequest:
    """Return the request.

    Raises: ApiError.
    """
    query = {name: values[0] for name, values in raw.args.lists()}
    last_event = raw.headers.get("Last-Event-ID", "")
    if raw.method != "POST":
        return PageRequest(query=query, last_event=last_event)
    if raw.mimetype == _FORM_TYPE:
        fields, media = _read_form(raw)
        return PageRequest(query=query, body=fields, media=media)
    return PageRequest(query=query, body=_read_json(raw))


def _read_json(raw: RawRequest) -> dict[str, Any]:
    """Return the JSON object in a body.

    Raises: ApiError.
    """
    if raw.mimetype != "application/json":
        raise refusal("the body must be application/json, or multipart/form-data for files", 415)
    if raw.content_length is None or raw.content_length > MAX_JSON:
        raise refusal(f"the body can have at most {MAX_JSON} bytes", 413)
    try:
        body = json.loads(raw.get_data() or b"{}")
    except (ValueError, RecursionError) as error:
        raise refusal("the body is not JSON") from error
    if not isinstance(body, dict):
        raise refusal("the body must be a JSON object")
    return body


def _read_form(raw: RawRequest) -> tuple[dict[str, str], tuple[FetchedMedia, ...]]:
    """Return the fields and the files of a form.

    Raises: ApiError.
    """
    try:
        fields = {name: values[0] for name, values in raw.form.lists()}
        return fields, tuple(_media(raw.files.getlist("media")))
    except HTTPException as error:
        raise refusal(f"the form cannot be read: {error.name}", error.code or 400) from error
    except (OSError, ValueError) as error:
        raise refusal("the form cannot be read") from error


def _media(files: list[FileStorage]) -> Iterator[FetchedMedia]:
    """Yield the files that a phone can send.

    Raises: ApiError.
    """
    total = 0
    if len(files) > DEFAULT_LIMITS.max_count:
        raise refusal(f"a message can have at most {DEFAULT_LIMITS.max_count} pictures")
    for file in files:
        content = file.stream.read(DEFAULT_LIMITS.max_bytes + 1)
        total += len(content)
        if total > DEFAULT_LIMITS.max_bytes:
            raise ApiError(
                21620, f"The pictures of a message can have {DEFAULT_LIMITS.max_bytes} bytes together.", status=413
            )
        yield uploaded(file.filename or "picture", file.mimetype, content)
