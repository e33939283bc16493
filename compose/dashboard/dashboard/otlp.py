"""Where services send their spans: OTLP over HTTP, in protobuf or JSON."""

from __future__ import annotations

import zlib

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dashboard import parts, spans

BODY_LIMIT_BYTES = 8 << 20
PROTOBUF, JSON = "application/x-protobuf", "application/json"


async def take_spans(request: Request) -> Response:
    """Take an OTLP export request."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind not in {PROTOBUF, JSON}:
        raise HTTPException(415, f"Send {PROTOBUF} or {JSON}, not {kind or 'nothing'}.")
    body = await _body(request)
    try:
        taken = spans.from_protobuf(body) if kind == PROTOBUF else spans.from_json(body)
    except spans.Malformed as error:
        raise HTTPException(400, str(error)) from None
    dropped = parts.of(request).receiver.take(taken)
    if kind == JSON:
        return JSONResponse({"partialSuccess": {"rejectedSpans": dropped}})
    answer = ExportTraceServiceResponse()
    if dropped:
        answer.partial_success.rejected_spans = dropped
        answer.partial_success.error_message = "too many spans wait to be written"
    return Response(answer.SerializeToString(), media_type=PROTOBUF)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT_BYTES:
            raise HTTPException(413, f"A request may have {BODY_LIMIT_BYTES} bytes.")
    if request.headers.get("content-encoding") != "gzip":
        return bytes(body)
    try:
        unpacked = zlib.decompressobj(wbits=31)
        text = unpacked.decompress(body, BODY_LIMIT_BYTES)
    except zlib.error as error:
        raise HTTPException(400, f"The body is not gzip: {error}.") from None
    if unpacked.unconsumed_tail:
        raise HTTPException(413, f"A request may have {BODY_LIMIT_BYTES} bytes, unpacked.")
    return text


ROUTES = (Route("/v1/traces", take_spans, methods=["POST"]),)
