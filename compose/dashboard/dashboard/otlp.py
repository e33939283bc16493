"""Where services send their spans: OTLP over HTTP, in protobuf or JSON."""

from __future__ import annotations

import zlib

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard import parts
from dashboard.answers import Answer

BODY_LIMIT_BYTES = 8 << 20
WINDOW_BITS = {"identity": None, "gzip": 31, "deflate": 15}
"""The encodings of a body, and how zlib unpacks them (https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1)."""
PROTOBUF, JSON = "application/x-protobuf", "application/json"


async def take_spans(request: Request) -> Response:
    """Take an OTLP export request."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {PROTOBUF, JSON}:
        raise HTTPException(415, f"Send {PROTOBUF} or {JSON}, not {kind or 'nothing'}.")
    body = await _body(request)
    from dashboard import export_requests

    read = export_requests.from_protobuf if kind == PROTOBUF else export_requests.from_json
    try:
        taken = read(body)
    except export_requests.Malformed as error:
        raise HTTPException(400, str(error)) from None
    receiver = parts.of(request).receiver
    dropped = receiver.take(taken)
    if kind == JSON:
        return Answer({"partialSuccess": {"rejectedSpans": dropped}})
    answer = export_requests.answer(rejected=dropped, why=receiver.problem)
    return Response(answer, media_type=PROTOBUF)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT_BYTES:
            raise HTTPException(413, f"A request may have {BODY_LIMIT_BYTES} bytes.")
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in WINDOW_BITS:
        raise HTTPException(415, "A body is sent as it is, or packed with gzip or deflate.")
    return _unpacked(bytes(body), WINDOW_BITS[encoding])


def _unpacked(body: bytes, window_bits: int | None) -> bytes:
    if window_bits is None:
        return body
    try:
        stream = zlib.decompressobj(window_bits)
        text = stream.decompress(body, BODY_LIMIT_BYTES)
    except zlib.error as error:
        raise HTTPException(400, f"The body cannot be unpacked: {error}.") from None
    if stream.unconsumed_tail:
        raise HTTPException(413, f"A request may have {BODY_LIMIT_BYTES} bytes, unpacked.")
    if not stream.eof:
        raise HTTPException(400, "The body cannot be unpacked: its end is missing.")
    return text


ROUTES = (Route("/v1/traces", take_spans, methods=["POST"]),)
