"""What a failure means, what can be done about it, and the command that tries that.

words.py     a remedy, a failure's explanation, and how a command is written out for one project
tries.py     the remedies that several failures share
padocc.py    PADOCC's error classes and the statuses of its validation (padocc 1.5.1, `core/errors.py`; its guide "Error handling")
own.py       the error classes of this package, those of Python and the libraries, and signals
known.py     values of a project that fill in a command
table.py     all of them, looked up by a status or an error class
page.py      all of them as a page of the documentation (docs/failures.md)
"""

from padocc_dagster.pipeline.remedies.known import commands_for
from padocc_dagster.pipeline.remedies.table import EXPLANATIONS, remedy_for
from padocc_dagster.pipeline.remedies.words import Explanation, Remedy, written_out

__all__ = ["EXPLANATIONS", "Explanation", "Remedy", "commands_for", "remedy_for", "written_out"]
