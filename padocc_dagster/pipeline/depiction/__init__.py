"""What differs between a product and its sources, or between two versions of it, shown to a person who has to decide.

The comparison (`comparison/`) decides; this only shows, and so never raises for what data hold.

    request.py     depictions requested from outside: a worker does the reading
    depict.py      the worker's operation: a product beside its sources, as rows and pictures
    structure.py   variables, dimensions, types and attributes, as rows
    slices.py      where the values of a variable differ, and the slice to show
    picture.py     that slice as a picture: source beside product beside difference
    revisions.py   the versions of a product that there are: in the working directory and published
    versions.py    what changed between two of them
"""

from padocc_dagster.pipeline.depiction.request import Depiction, changes, depiction
from padocc_dagster.pipeline.depiction.revisions import Revision, current_revision, other_revisions, published_revisions

__all__ = ["Depiction", "Revision", "changes", "current_revision", "depiction", "other_revisions", "published_revisions"]
