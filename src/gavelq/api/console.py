"""`/ui`: the web console's pages. They hold nothing of anybody, so they need no session; what they ask for does."""

import os
import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gavelq.api import problems
from gavelq.api.console_files import ConsoleFile, Files, read_files
from gavelq.console import DIRECTORY
from gavelq.core.errors import GavelqError, NotFound, UsageError

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        "worker-src 'self'; manifest-src 'self'; media-src 'none'; object-src 'none'; frame-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
        "microphone=(), midi=(), payment=(), serial=(), usb=(), clipboard-write=(self)"
    ),
}
"""With every answer below `/ui`: nothing is loaded from elsewhere, nothing runs that stands in the page itself, and
no other page can frame or open this one."""
LASTING = "public, max-age=31536000, immutable"
HOME = "/ui/gpu"
_WORST = re.compile(r"[\x00-\x1f\x7f\\]")
_MAX_PATH = 512
_METHODS = {"Allow": "GET, HEAD, OPTIONS"}
_MISSING = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>gavelq: the console is not built</title></head>
<body>
<h1>The console is not built</h1>
<p>This gavelq was installed without its web pages. This builds them, in the clone that it was installed from, with
Node.js 20 or newer:</p>
<pre>scripts/ui</pre>
<p>Then load this page again. Where gavelq was installed with <code>pip install .</code>, run that once more, too, and
<code>gavelq daemon restart</code>.</p>
<p>The daemon, the command line and the REST API work without the console: <code>gavelq status</code>,
<a href="/openapi.json">/openapi.json</a>.</p>
<hr>
<p lang="zh">网页控制台尚未构建。在 gavelq 的仓库里运行 <code>scripts/ui</code>（需要 Node.js 20 或更新），
然后刷新本页。没有控制台，守护进程、命令行和 REST API 照常工作。</p>
</body>
</html>
"""


class OtherMethod(UsageError):
    """the console's pages are read, and {method} is something else"""

    code = "method_not_allowed"
    hint = "what changes something is below /api: /openapi.json"
    http_status = 405


def is_page(path: str) -> bool:
    """Whether a path is one of the console's."""
    return path == "/ui" or path.startswith("/ui/")


def wants_page(request: Request) -> bool:
    """Whether a browser asks, for a person to look at."""
    return "text/html" in request.headers.get("accept", "")


class Console:
    """The pages of one build. Another build that takes its place is seen with the next page that is asked for."""

    def __init__(self, directory: str = DIRECTORY) -> None:
        self._directory = directory
        self._files: Files = {}
        self._seen: tuple[int, ...] = ()

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request for a path that `is_page`."""
        request = Request(scope)
        try:
            response = self._response(request)
        except GavelqError as error:
            response = problems.problem(error)
        for name, value in HEADERS.items():
            response.headers[name] = value
        await response(scope, receive, send)

    def _response(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(None, 204, _METHODS)
        if request.method != "GET":  # HEAD comes as GET, see Front
            refused = problems.problem(OtherMethod(method=request.method))
            refused.headers.update(_METHODS)
            return refused
        name = _name(request.scope["path"])
        self._look()
        file = self._files.get(name)
        if file is not None:
            return _sent(request, file)
        if name.startswith("assets/"):
            raise NotFound(
                f"the console has no file {name[:80]}", hint="load the page again: it may be of another build"
            )
        page = self._files.get("index.html")
        if page is None:
            return Response(_MISSING, 503, media_type="text/html; charset=utf-8")
        return _sent(request, page)

    def _look(self) -> None:
        """Read the files where there is a build that was not seen yet."""
        try:
            found = os.stat(os.path.join(self._directory, "index.html"))
        except OSError:
            seen: tuple[int, ...] = ()
        else:
            seen = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
        if seen != self._seen:
            self._files, self._seen = read_files(self._directory) if seen else {}, seen


def _name(path: str) -> str:
    """What is asked for, below `/ui/`. Raises NotFound for what no link of ours leads to."""
    name = path.removeprefix("/ui").removeprefix("/")
    is_strange = len(name) > _MAX_PATH or _WORST.search(name) or not {".", ".."}.isdisjoint(name.split("/"))
    if is_strange:
        raise NotFound("there is no such page", hint=f"the console begins at {HOME}")
    return name


def _sent(request: Request, file: ConsoleFile) -> Response:
    """The file, or that the browser has it already (RFC 9110, sections 8.8.3 and 13.1.2)."""
    is_packed = file.packed is not None and _takes_gzip(request.headers.get("accept-encoding", ""))
    tag = f'"{file.version}{"-gz" if is_packed else ""}"'
    headers = {"ETag": tag, "Cache-Control": LASTING if file.is_lasting else "no-cache", "Vary": "Accept-Encoding"}
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(None, 304, headers)
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    return Response(file.packed if is_packed else file.content, 200, headers, media_type=file.kind)


def _takes_gzip(accepted: str) -> bool:
    """What Accept-Encoding says of gzip (RFC 9110, section 12.5.3)."""
    said: dict[str, bool] = {}
    for one in accepted.lower().split(","):
        coding, _, rest = one.partition(";")
        said[coding.strip()] = re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", rest) is None
    return said.get("gzip", said.get("*", False))
