"""Dask's scheduler and worker without their web servers: they listen for each other only, with keys."""

from __future__ import annotations

import hmac
from typing import Any

from distributed import Scheduler, Worker
from distributed.http.routing import RoutingApplication
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import ErrorHandler


class QuietWorker(Worker):
    """A worker that listens for the scheduler and for other workers only."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Start none; Dask's own would answer every user of the machine."""


class QuietScheduler(Scheduler):
    """A scheduler that listens for workers and clients only, or also for a browser that knows a secret word.

    Parameters
    ----------
    secret : str
        First word of every address that its web server answers to; without it there is no web server.
    **options
        Those of `distributed.Scheduler`.
    """

    def __init__(self, secret: str = "", **options: Any) -> None:
        self._secret = secret
        super().__init__(**options, http_prefix=f"/{secret}", dashboard=bool(secret))

    def start_http_server(self, routes: Any, *_: Any, **__: Any) -> None:
        """Start one on the loopback where there is a secret."""
        if not self._secret:
            return
        self.http_application = _Locked(self._secret, routes)
        (socket,) = bind_sockets(0, "127.0.0.1")
        server: Any = HTTPServer(self.http_application)
        server.add_sockets([socket])
        server.address, server.port = socket.getsockname()
        self.http_server = self.services["dashboard"] = server


class _Locked(RoutingApplication):
    """Pages below a secret word; no other address is found, nor those that Dask adds, such as its list of all pages.

    Parameters
    ----------
    secret : str
    routes : list
    """

    def __init__(self, secret: str, routes: Any) -> None:
        super().__init__(routes)
        self._first = f"/{secret}/".encode()

    def find_handler(self, request: Any, **options: Any) -> Any:
        """Return what answers a request."""
        if hmac.compare_digest(request.path.encode()[: len(self._first)], self._first):
            return super().find_handler(request, **options)
        return self.get_handler_delegate(request, ErrorHandler, {"status_code": 404})
