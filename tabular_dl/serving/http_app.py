"""ASGI application that answers with a model's predictions, in the formats of MLflow's model server.

POST /invocations    rows -> {"predictions": [...]}
GET /ping, /health   ready: the model is loaded
GET /version         version of this package
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tabular_dl.limits import limit
from tabular_dl.serving.prediction_queue import PredictionQueue
from tabular_dl.serving.request_rows import MOST_BYTES, RequestError, check_size, read_request

__all__ = ["make_app"]

SECONDS_A_BODY = 30.0  # longest time that a client may take to send a body
# A larger body is parsed in a thread, so that other requests are answered meanwhile.
BYTES_IN_LOOP = 50_000
# Bytes that are read and discarded after a body that is too large, so that most clients receive the answer.
BYTES_THROWN_AWAY = 4 * MOST_BYTES
_CODES = {400: "BAD_REQUEST", 408: "REQUEST_TIMEOUT", 413: "CONTENT_TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE"}


def make_app(
    predict: Callable[[pd.DataFrame], np.ndarray], columns: Sequence[str], run: str, model: str, version: str
) -> Starlette:
    """Return the application.

    Parameters
    ----------
    predict : callable
        Function from a DataFrame of rows to an array with as many predictions.
    columns : sequence of str
        Names of the columns that ``predict`` reads.
    run : str
        Name of the run, for ``/health``.
    model : str
        Kind of model, for ``/health``.
    version : str
        Version of the package.

    Returns
    -------
    Starlette
        ASGI application.
    """
    queue = PredictionQueue(predict)
    ready = {"status": "ready", "run": run, "model": model}

    async def ping(request: Request) -> Response:  # noqa: ARG001 (Starlette passes it)
        return Response("\n", media_type="application/json")

    async def health(request: Request) -> Response:  # noqa: ARG001 (Starlette passes it)
        return JSONResponse(ready)

    async def package_version(request: Request) -> Response:  # noqa: ARG001 (Starlette passes it)
        return PlainTextResponse(version)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:  # noqa: ARG001 (Starlette passes it)
        yield
        queue.close()

    routes = [
        Route("/ping", ping),
        Route("/health", health),
        Route("/version", package_version),
        Route("/invocations", _Invocations(queue, columns).answer, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


@dataclass(frozen=True)
class _Invocations:
    """Answers to requests for predictions."""

    queue: PredictionQueue
    columns: Sequence[str]

    async def answer(self, request: Request) -> Response:
        try:
            body = await _body(request)
            arguments = body, request.headers.get("content-type", ""), self.columns
            if len(body) > BYTES_IN_LOOP:
                rows = await asyncio.to_thread(read_request, *arguments)
            else:
                rows = read_request(*arguments)
            predictions = await self.queue.predict(rows)
        except RequestError as error:
            return _refusal(str(error), error.status)
        except ClientDisconnect:
            return Response(status_code=400)
        except (ValueError, OverflowError) as error:  # values that the model cannot read
            return _refusal(str(error), 400)
        return Response(json.dumps({"predictions": predictions.tolist()}), media_type="application/json")


async def _body(request: Request) -> bytes:
    """Return the body of a request; it is not kept in memory beyond the limit."""
    announced = request.headers.get("content-length", "")
    parts: list[bytes] = []
    try:
        size = 0
        async with asyncio.timeout(SECONDS_A_BODY):
            check_size(int(announced) if announced.isdecimal() and len(announced) < 20 else 0)
            async for part in request.stream():
                size += len(part)
                check_size(size)
                parts.append(part)
    except TimeoutError:
        raise RequestError(f"The body did not arrive within {SECONDS_A_BODY:.0f} seconds.", 408) from None
    except RequestError:
        parts.clear()
        await _throw_away(request)
        raise
    return b"".join(parts)


async def _throw_away(request: Request) -> None:
    """Read and discard more of the body: many clients read the answer only after they have sent all of it."""
    size = 0
    try:
        async with asyncio.timeout(SECONDS_A_BODY):
            while size < limit(BYTES_THROWN_AWAY):
                message = await request.receive()
                size += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body"):
                    return
    except TimeoutError:
        return


def _refusal(message: str, status: int) -> Response:
    """Return an error in the form of MLflow's model server."""
    headers = {"Connection": "close"} if status in (408, 413) else None
    return JSONResponse({"error_code": _CODES[status], "message": message}, status, headers)
