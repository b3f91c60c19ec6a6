"""/metrics: for Prometheus."""

from fastapi import APIRouter
from fastapi.responses import Response

from gavelq.api.callers import CallerOf
from gavelq.daemon.service import Service
from gavelq.daemon.service.exposition import CONTENT_TYPE

_EXAMPLE = (
    "# HELP gavelq_tasks Tasks that have not ended.\n# TYPE gavelq_tasks gauge\n"
    'gavelq_tasks{state="running",queue="running"} 2\n'
)


def router(service: Service, _: CallerOf) -> APIRouter:
    """The route of metrics. It tells counts alone, never a task's or a tenant's name."""
    routes = APIRouter(tags=["monitor"])

    @routes.get(
        "/metrics", summary="Metrics for Prometheus", response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": _EXAMPLE}}}},
    )  # fmt: skip
    async def metrics() -> Response:
        return Response(service.exposition.text(), media_type=CONTENT_TYPE)

    return routes
