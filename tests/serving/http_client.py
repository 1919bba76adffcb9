"""A client of an ASGI application, without a network."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

__all__ = ["ask"]


async def ask(
    app: Any, path: str, body: Iterable[bytes] = (), method: str = "POST", headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    """Send a request whose body comes in parts; return status and body of the answer, read as JSON if it is."""
    parts = list(body)
    messages = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)} for number, part in enumerate(parts, 1)
    ] or [{"type": "http.request", "body": b"", "more_body": False}]
    names = {"content-type": "application/json", **(headers or {})}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in names.items()],
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in sent)
    kind = dict(sent[0]["headers"]).get(b"content-type", b"")
    return sent[0]["status"], json.loads(content) if kind == b"application/json" and content.strip() else content
