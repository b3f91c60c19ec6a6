"""uvicorn's protocol without uvicorn's server loop: the daemon has a loop of its own and wakes for nothing."""

import asyncio
from collections.abc import Callable
from functools import partial

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from gavelq.api.peer import PeerProtocol


def make_protocol(app: ASGIApp) -> Callable[[], asyncio.Protocol]:
    """A factory of HTTP/1.1 connections that serve `app`."""
    config = uvicorn.Config(
        app,
        http=PeerProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 << 10,
    )
    config.load()
    return partial(PeerProtocol, config=config, server_state=ServerState(), app_state={})
