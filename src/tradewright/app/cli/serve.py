"""``tradewright serve``: the web page and the API, on this machine only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from tradewright.app.cli import frame

if TYPE_CHECKING:
    import socket

    import uvicorn

    from tradewright.services.workspace import Workspace

app = frame.noun("serve", "Serve the web page and the API.", acts=True)

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@app.callback(invoke_without_command=True)
def serve(
    host: str = typer.Option("", "--host", help="Address to listen on; api.host if not given."),
    port: int | None = typer.Option(
        None, "--port", min=1, max=65535, help="Port to listen on; api.port if not given."
    ),
    open_browser: bool = typer.Option(False, "--open", help="Open the page in the browser."),
) -> None:
    """Serve the web page and the API until Ctrl-C.

    There is no sign-in yet, so only this machine is answered.
    """
    from tradewright.app.bootstrap import open_workspace, settings

    values = settings().values
    address = host or values.api.host
    check_loopback(address)
    serve_page(
        open_workspace(),
        host=address,
        port=port or values.api.port,
        open_browser=open_browser,
        environment=values.environment,
        log_level=values.api.log_level,
    )


def serve_page(
    workspace: Workspace,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    open_browser: bool = False,
    environment: str = "local",
    log_level: str = "warning",
) -> None:
    """Serve a workspace until Ctrl-C or SIGTERM, then end in order.

    Parameters
    ----------
    workspace : Workspace
        What is shown.
    host, port : str, int
        Where to listen.
    open_browser : bool
        Whether to open the page when the server answers.
    environment, log_level : str
        Shown by health; lowest level of the server's log.

    Raises
    ------
    ConfigError
        If `host` is not of this machine.
    EdgeError
        If the port is taken.
    """
    import uvicorn

    from tradewright.api import ApiSettings, create_app

    check_loopback(host)
    options = ApiSettings(environment=environment)
    listener = bind(host, port)
    url = f"http://{'[::1]' if host == '::1' else host}:{listener.getsockname()[1]}"
    if not (options.ui_dir / "index.html").is_file():
        frame.note("The web page is not built; `make ui` builds it. The API works without it.")
    config = uvicorn.Config(
        create_app(workspace, settings=options),
        log_level=log_level,
        log_config=None,
        access_log=False,
        server_header=False,
        ws_max_size=64 << 10,
        ws_ping_interval=30.0,
        timeout_graceful_shutdown=10,
    )
    server = uvicorn.Server(config)
    with listener, _ends_on_signals(server):
        frame.note(f"Serving {url}  (Ctrl-C ends it)")
        if open_browser:
            _open_when_ready(url)
        server.run(sockets=[listener])
    frame.note("Stopped.")


@contextmanager
def _ends_on_signals(server: uvicorn.Server) -> Iterator[None]:
    """End in order on SIGINT and SIGTERM, also before the server's own handlers are there.

    The server raises the signals again after it ended; they were asked for and change nothing.
    """
    import signal

    before = {
        number: signal.signal(number, lambda *_: setattr(server, "should_exit", True))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_loopback(host: str) -> None:
    """Refuse to listen where others could connect, as long as there is no sign-in.

    Raises
    ------
    ConfigError
        If the address is not one of this machine alone.
    """
    from tradewright.domain.errors import ConfigError

    if host not in LOOPBACK:
        raise ConfigError(
            f"host {host!r} can be reached from other machines, and there is no sign-in; "
            f"wanted one of {', '.join(LOOPBACK)}"
        )


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises
    ------
    EdgeError
        If the port is taken or may not be used; names it.
    """
    import errno
    import socket

    from tradewright.domain.errors import EdgeError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise EdgeError(
                f"port {port} on {host} is in use; stop the other server or choose --port"
            ) from error
        raise EdgeError(f"port {port} on {host}: {error.strerror}") from error
    return listener


def _open_when_ready(url: str) -> None:
    """Open the browser once the server answers; the socket listens already."""
    import threading
    import urllib.error
    import urllib.request
    import webbrowser

    def wait_and_open() -> None:
        try:
            with urllib.request.urlopen(f"{url}/api/v1/health", timeout=30):  # noqa: S310
                webbrowser.open(url)
        except (urllib.error.URLError, TimeoutError):
            frame.note(f"Open {url} in a browser.")

    threading.Thread(target=wait_and_open, daemon=True).start()
