"""The interface's own documentation: the OpenAPI document and a page to read it, offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

DOCS_CSP = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>tradewright API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/swagger/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="/swagger/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script>
</body></html>
"""
_START = (
    "SwaggerUIBundle({url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, "
    "validatorUrl: null, defaultModelsExpandDepth: 0});\n"
)
_NOT_BUILT = (
    "The page that shows this interface is not built; `make ui` builds it.\n"
    "The document itself is at /openapi.json.\n"
)


def add_reference(app: FastAPI, ui_dir: Path) -> None:
    """Serve ``/docs`` from files of the package, so that no other host is asked."""

    @app.get("/docs", include_in_schema=False)
    def docs() -> Response:
        if not (ui_dir / "swagger" / "swagger-ui-bundle.js").is_file():
            return PlainTextResponse(_NOT_BUILT)
        return HTMLResponse(_PAGE, headers={"Content-Security-Policy": DOCS_CSP})

    @app.get("/docs/start.js", include_in_schema=False)
    def start() -> Response:
        return Response(_START, media_type="text/javascript")


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document of this version, without any workspace behind it.

    Returns
    -------
    dict
        OpenAPI 3.1.
    """
    from tradewright.api.application import build_routes

    document: dict[str, Any] = build_routes().openapi()
    return document


def write_openapi(path: Path) -> bool:
    """Write the OpenAPI document if it differs from what the file holds.

    Parameters
    ----------
    path : Path
        ``docs/reference/openapi.json`` of the repository.

    Returns
    -------
    bool
        Whether the file changed.
    """
    text = json.dumps(openapi_document(), indent=1, ensure_ascii=False) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


if __name__ == "__main__":
    from tradewright.client.writing import write_client

    write_openapi(Path("docs/reference/openapi.json"))
    write_client(openapi_document())
