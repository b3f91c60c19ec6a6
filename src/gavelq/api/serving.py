"""uvicorn's protocol without uvicorn's server loop: the daemon has a loop of its own and wakes for nothing."""

import asyncio
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from gavelq.api.peer import PeerProtocol


def make_protocol(app: ASGIApp, patience_s: float = PeerProtocol.patience_s) -> Callable[[], asyncio.Protocol]:
    """A factory of HTTP/1.1 connections that serve `app`; `patience_s`: see PeerProtocol."""
    config = uvicorn.Config(
        app,
        http=PeerProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # anybody on this machine could say that they are somebody else
        server_header=False,
        date_header=False,
        timeout_keep_alive=30,
    )
    config.load()
    state = ServerState()

    def make() -> PeerProtocol:
        made = PeerProtocol(config=config, server_state=state, app_state={})
        made.patience_s = patience_s
        return made

    return make
