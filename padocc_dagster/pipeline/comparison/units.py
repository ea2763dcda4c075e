"""Whether two texts name the same unit of measure.

UDUNITS decides, through cf-units: CF defines its units by UDUNITS, and no other library reads all that it allows.
"""

from functools import lru_cache

NORTH, EAST = (
    ("degrees_north", "degree_north", "degree_n", "degrees_n", "degreen", "degreesn"),
    ("degrees_east", "degree_east", "degree_e", "degrees_e", "degreee", "degreese"),
)
"""UDUNITS takes all of them for the same angle; CF does not (sections 4.1 and 4.2)."""


@lru_cache(maxsize=1024)
def same_unit(one: str | None, other: str | None) -> bool:
    """Whether a number means the same with either unit. Texts that UDUNITS does not know must be the same text.

    No unit, or an empty one, is that of a number without dimension (CF 3.1).
    """
    one, other = (one or "").strip() or "1", (other or "").strip() or "1"
    if one == other:
        return True
    if _direction(one) != _direction(other):
        return False
    from cf_units import Unit

    try:
        return bool(Unit(one) == Unit(other))
    except ValueError:
        return False


def _direction(text: str) -> str:
    lower = text.strip().lower()
    return "north" if lower in NORTH else "east" if lower in EAST else ""
