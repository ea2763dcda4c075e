"""Parts of a group config held against pydantic models: every problem becomes a sentence with its line, and the good rest is kept."""

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from operator import getitem
from typing import Annotated, Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from padocc_dagster.pipeline.workdir.names import nearest
from padocc_dagster.selection.problems import Findings

Loc = tuple[str | int, ...]
Text = Annotated[str, StringConstraints(strip_whitespace=True)]
LONGEST = 60
"""Of a value in a sentence."""
DEEPEST = 20
"""How deep values may be nested, which are walked by recursion."""
PLAIN = re.compile(r"[\w:.{}\-]+")
PRECISE = {"string_pattern_mismatch": "use letters, digits, '_', '.', '+' and '-' only"}
"""Type of pydantic's error → what to write instead. A field's description goes before the general ones."""
GENERAL = {
    "bool_type": "write true or false",
    "dict_type": "write a mapping, {a: b}",
    "list_type": "write a list, [a, b]",
    "string_type": "write one text, in quotes",
    "string_too_short": "write a name, or leave it out",
    "too_short": "name at least one, or leave it out",
    "tuple_type": "write a list, [a, b]",
}


class Fields(BaseModel):
    """Fields of a config; nothing is converted, and null counts as not given. A field's description says what to write."""

    model_config = ConfigDict(extra="forbid", strict=True)
    refused: ClassVar[Mapping[str, str]] = {}
    """Fields of PADOCC's that are not taken → why."""

    @model_validator(mode="before")
    @classmethod
    def _without_null(cls, value: Any) -> Any:
        filled = {name for name, field in cls.model_fields.items() if field.default is not None}
        return {n: given for n, given in value.items() if given is not None or n not in filled} if isinstance(value, dict) else value


Model = TypeVar("Model", bound=Fields)


@dataclass(frozen=True)
class Part:
    """A plain value of a config, and the lines of everything in it."""

    value: Any
    lines: Mapping[Loc, int] = field(default_factory=dict)
    """Of the whole config, by the keys and indexes that lead to a value. Where one is missing, the line of what it is in holds."""
    loc: Loc = ()
    files: Mapping[str, str] = field(default_factory=dict)
    """Field → what to call the file that it was read from."""

    def at(self, name: str | int) -> "Part":
        """An entry."""
        return Part(self.value[name], self.lines, (*self.loc, name))

    def line(self, *loc: str | int) -> int:
        place = (*self.loc, *loc)
        return next((line for end in range(len(place), -1, -1) if (line := self.lines.get(place[:end]))), 1)

    def name(self, loc: Loc) -> str:
        """What to call a value: `updates.title`, `an entry of variables`; nothing for the part itself."""
        names = [name[:LONGEST] if PLAIN.fullmatch(name) else repr(name[:LONGEST]) for name in loc if isinstance(name, str)]
        file = self.files.get(names[0]) if names else None
        called = " in ".join(filter(None, (".".join(names[1:]), file))) if file else ".".join(names)
        return f"an entry of {called}" if loc and isinstance(loc[-1], int) else called


def validated(model: type[Model], part: Part, findings: Findings, context: Any = None) -> Model | None:
    """The model of a part, as far as it is good; None when it is nothing of the kind. Everything else becomes a problem."""
    value = part.value
    reported: set[Loc] = set()
    while True:
        try:
            return model.model_validate(value, context=context)
        except ValidationError as error:
            errors = [(_reached(value, each["loc"]), each) for each in error.errors(include_url=False)]
        places = {loc for loc, _ in errors}
        reported |= {place[:end] for place in places for end in range(len(place))}  # a list may be too short without its bad entries
        new = [
            (part.line(*loc), _sentence(model, part, loc, reduce(getitem, loc, value), each)) for loc, each in errors if loc not in reported
        ]
        for line, text in dict.fromkeys(new):
            findings.add(line, text)
        if () in places:
            return None
        value = deepcopy(value)
        for *above, last in sorted(places, reverse=True):
            del reduce(getitem, above, value)[last]


def shown(value: Any) -> str:
    """A value in a sentence: itself if it is short, else its kind."""
    if isinstance(value, (list, dict)) and (len(str(value)) > LONGEST or "datetime." in str(value)):
        return "a list" if isinstance(value, list) else "a mapping"
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, bool):
        return "nothing" if value is None else str(value).lower()
    return repr(value[:LONGEST]) if isinstance(value, str) else str(value)[:LONGEST]


def _reached(value: Any, loc: Loc) -> Loc:
    """As much of a place as is in the value itself: pydantic's goes on into what validators have made of it."""
    for number, name in enumerate(loc):
        known = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        if name not in known:
            return loc[:number]
        value = value[name]
    return loc


def _sentence(model: type[Fields], part: Part, loc: Loc, value: Any, error: ErrorDetails) -> str:
    """What a value is called, what it is, and what to write instead."""
    inner, info = _declared(model, loc)
    name, kind, title = part.name(loc), error["type"], inner.model_config.get("title")
    if kind == "extra_forbidden":
        last = str(loc[-1])
        unknown = f"unknown field {last[:LONGEST]!r} in {title}: {nearest(last, inner.model_fields)}"
        return f"{name} has no effect: {inner.refused[last]}" if last in inner.refused else unknown
    if kind == "value_error":
        expected = str(error["ctx"]["error"])
    elif kind == "model_type":
        expected = f"write a mapping with the fields {', '.join(inner.model_fields)}"
    elif kind == "literal_error" and not (info and info.description):
        expected = nearest(str(value), re.findall("'([^']*)'", error["ctx"]["expected"]))
    else:
        expected = PRECISE.get(kind) or (info and info.description) or GENERAL.get(kind) or error["msg"]
    return f"{name}: {expected}" if error["loc"][-1:] == ("[key]",) else f"{name or title} is {shown(value)}: {expected}"


def _declared(model: type[Fields], loc: Loc) -> tuple[type[Fields], FieldInfo | None]:
    """The innermost model that a place is in, and the field of it that the place is, or is in."""
    info = None
    for name in loc:
        info = model.model_fields.get(str(name))
        kinds = (info.annotation, *get_args(info.annotation)) if info else ()
        inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Fields)]
        if not inner:
            break
        model = inner[0]
    return model, info
