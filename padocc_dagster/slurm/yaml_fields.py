"""Plain values of a YAML file that a person wrote, field by field. What is wrong is added to a list of problems, a sentence each,
which names the field.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from padocc_dagster.batch.amounts import parse_name, shown


class NotRead(Exception):
    """The file is no YAML of plain values; the message says why."""


def load(path: Path) -> Any:
    """The values of a YAML file in which no key comes twice (PyYAML takes the last one without a word). Raises NotRead."""
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys: list[Any] = []
            for key_node, _ in node.value:
                key = self.construct_object(key_node, deep=True)
                if key in keys:
                    raise yaml.constructor.ConstructorError(problem=f"{key!r} is given twice", problem_mark=key_node.start_mark)
                keys.append(key)
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise NotRead(f"the file cannot be read ({why}): correct its path or the file") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        why = getattr(error, "problem", None) or " ".join(str(error).split())
        raise NotRead(f"{where}this is not a YAML file of plain values: {why}") from None


def mapping(value: Any, where: str, known: tuple[str, ...] | None, problems: list[str]) -> dict[Any, Any]:
    """The entries of a mapping (none for null); what is not known is a problem."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        problems.append(f"{where}: {shown(value)} is not a mapping: write {', '.join(known or ('name',))} with values")
        return {}
    for key in value:
        if known and key not in known:
            problems.append(f"{where}: unknown field {shown(key)}: known are {', '.join(known)}")
    return value


def text(value: Any, where: str, problems: list[str]) -> str:
    """One line of text, which must be there."""
    if not isinstance(value, str) or not value.strip():
        problems.append(f"{where}: {'it is missing' if value is None else f'{shown(value)} is not a text'}: write one line")
        return ""
    return " ".join(value.split())


def names(value: Any, where: str, problems: list[str]) -> tuple[str, ...] | None:
    """A list of names; None when it is absent."""
    if value is None:
        return None
    if not isinstance(value, list) or not value:
        problems.append(f"{where}: {shown(value)} is not a list of names: write [a, b]")
        return ()
    return tuple(name for name in value if is_name(name, where, problems))


def is_name(name: Any, where: str, problems: list[str]) -> bool:
    """Whether that is a name. YAML reads `on`, `1` and their like as other values than text."""
    if not isinstance(name, str):
        problems.append(f"{where}: the name {shown(name)} is not text: quote it")
        return False
    try:
        parse_name(name)
    except ValueError as error:
        problems.append(f"{where}: {error}")
        return False
    return True


def entries(values: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each plain value with the keys that lead to it. `{env: NAME}` is a plain value."""
    if isinstance(values, Mapping) and variable(values) is None:
        for key, value in values.items():
            yield from entries(value, (*path, str(key)))
    elif isinstance(values, list):
        for number, value in enumerate(values):
            yield from entries(value, (*path, str(number)))
    else:
        yield path, values


def variable(value: Any) -> str | None:
    """The name in `{env: NAME}`, Dagster's way to name an environment variable; None for any other value."""
    if isinstance(value, Mapping) and set(value) == {"env"} and isinstance(value["env"], str):
        return value["env"]
    return None


def variables(values: Any) -> dict[str, str]:
    """The environment variables that values name as `{env: NAME}`, each with the first entry that needs it."""
    found: dict[str, str] = {}
    for path, value in entries(values):
        if name := variable(value):
            found.setdefault(name, ".".join(path))
    return found
