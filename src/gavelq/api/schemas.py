"""JSON schemas (2020-12) of the documents that travel here, made from the types that describe them already.

Answers are the shapes of `client/shapes`; a task request is what its readers take (`formats/fields.py`).
"""

import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from gavelq.client import shapes
from gavelq.core.queue_options import OPTION_NAMES
from gavelq.formats.fields import READERS

Json = dict[str, Any]
_PLAIN: dict[object, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_NUMBER_OR_TEXT: Json = {"anyOf": [{"type": "number"}, {"type": "string"}]}
_OPTIONS: dict[str, Json] = {
    **{name: {"type": "boolean"} for name in ("hold", "paused", "pool", "lend")},
    "priority": {"type": "integer", "minimum": 0, "maximum": 9},
    "mem_type": {"enum": ["ignore", "absolute", "percentage"]},
}  # fmt: skip
"""Options of queues whose type is one alone; the others are numbers, words such as `none`, or lists."""


def reference(name: str) -> Json:
    """A schema of `components`."""
    return {"$ref": f"#/components/schemas/{name}"}


class Schemas:
    """The `components` of a document: each shape that is asked for, and those inside it."""

    def __init__(self) -> None:
        self.found: dict[str, Json] = {}

    def of(self, hint: Any) -> Json:
        """The schema of a type. Raises TypeError for one that has none."""
        if hint is Any or hint is object:
            return {}
        if hint in _PLAIN:
            return {"type": _PLAIN[hint]}
        if is_typeddict(hint):
            return self._shape(hint)
        origin, inner = get_origin(hint), get_args(hint)
        if origin is list:
            return {"type": "array", "items": self.of(inner[0])}
        if hint is list:
            return {"type": "array"}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(inner[1])}
        if hint is dict:
            return {"type": "object"}
        if origin is Literal:
            return {"enum": list(inner)}
        if origin in (Union, types.UnionType):
            return self._either([self.of(one) for one in inner])
        raise TypeError(f"{hint!r} has no schema")

    @staticmethod
    def _either(parts: list[Json]) -> Json:
        kinds = [part["type"] for part in parts if part.keys() == {"type"}]
        return {"type": kinds} if len(kinds) == len(parts) else {"anyOf": parts}

    def _shape(self, shape: Any) -> Json:
        name = shape.__name__
        if name not in self.found:
            self.found[name] = {}  # shapes may hold themselves
            hints = get_type_hints(shape)
            self.found[name] = {
                "type": "object",
                "description": (shape.__doc__ or name).split("\n\n")[0],
                "properties": {field: self.of(hint) for field, hint in hints.items()},
                "required": sorted(shape.__required_keys__),
            }
        return reference(name)

    def named(self, name: str) -> Json:
        """A shape by its name; `[Name]` is an array of such."""
        if name.startswith("["):
            return {"type": "array", "items": self.named(name[1:-1])}
        if name in self.found:
            return reference(name)
        if name in _BODIES:
            self.found[name] = _BODIES[name](self)
            return reference(name)
        return self.of(getattr(shapes, name))


def _task_request(schemas: Schemas) -> Json:
    hints = get_type_hints(shapes.TaskRequest)
    by_field = {READERS[name][0]: schemas.of(hint) for name, hint in hints.items() if name in READERS}
    properties: dict[str, Json] = {}
    for name, (field, reader) in READERS.items():
        known = schemas.of(hints[name]) if name in hints else by_field.get(field, {})
        is_duration = reader is READERS["time_limit"][1]
        properties[name] = _NUMBER_OR_TEXT if is_duration or name == "memory" else known
    return {
        "type": "object", "properties": properties, "additionalProperties": False,
        "description": "What a task asks for (docs/rest.md, `A task request`). A null says nothing.",
    }  # fmt: skip


def _task_submission(schemas: Schemas) -> Json:
    request = _task_request(schemas)
    about = {"type": "boolean", "description": "Make nothing: only tell what would come of it"}
    return {**request, "properties": {**request["properties"], "dry_run": about}}


def _task_row(schemas: Schemas) -> Json:
    whole = schemas.named("Task")
    part = {key: value for key, value in schemas.found["Task"].items() if key != "required"}
    return {"anyOf": [whole, {**part, "description": "The fields that `fields` names."}]}


def _changes(schemas: Schemas) -> Json:
    request = _task_request(schemas)
    nullable = {name: {"anyOf": [schema, {"type": "null"}]} for name, schema in request["properties"].items() if schema}
    return {**request, "properties": nullable, "description": "Fields of a task request; null takes one back."}


def _queue_options(_: Schemas) -> Json:
    return {
        "type": "object", "properties": {name: _OPTIONS.get(name, {}) for name in OPTION_NAMES},
        "additionalProperties": False, "description": "Options of a queue.",
    }  # fmt: skip


def _queue_request(schemas: Schemas) -> Json:
    options = _queue_options(schemas)
    name = {"type": "string", "pattern": r"^(?!\.\.?$)[A-Za-z0-9_.-]{1,64}$"}
    return {**options, "properties": {"name": name, **options["properties"]}, "required": ["name"]}


def _submission_request(schemas: Schemas) -> Json:
    task = schemas.named("TaskRequest")
    key = {"type": "string", "minLength": 1, "maxLength": 200}
    return {
        "type": "object", "required": ["tasks"], "additionalProperties": False,
        "properties": {
            "tasks": {"type": "array", "items": task, "minItems": 1}, "queue": {"type": ["string", "null"]},
            "key": {"anyOf": [key, {"type": "null"}]}, "base": {"anyOf": [task, {"type": "null"}]},
        },
    }  # fmt: skip


def _problem(_: Schemas) -> Json:
    return {
        "type": "object",
        "description": "RFC 9457, with gavelq's own four: code, message, hint, details, as on the command line.",
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
            "detail": {"type": "string"}, "code": {"type": "string"}, "message": {"type": "string"},
            "hint": {"type": "string"}, "details": {"type": "object"},
        },
        "required": ["type", "title", "status", "detail", "code", "message", "hint", "details"],
        "example": {
            "type": "urn:gavelq:task_not_found", "title": "task_not_found", "status": 404,
            "detail": "there is no task 99", "code": "task_not_found", "message": "there is no task 99",
            "hint": "`gavelq task list --all` shows every task", "details": {"task_id": 99},
        },
    }  # fmt: skip


_BODIES = {
    "TaskRequest": _task_request,
    "TaskChanges": _changes,
    "TaskRow": _task_row,
    "TaskSubmission": _task_submission,
    "QueueOptions": _queue_options,
    "QueueRequest": _queue_request,
    "SubmissionRequest": _submission_request,
    "Problem": _problem,
}
