"""The board: all that is known of one group on one page, an HTML file that needs no server and no network, and can be mailed.

    facts.py       what the files say of each project of the group
    failures.py    the projects that stopped, by error class, with commands for all of a class
    progress.py    what is left, and how long that will probably take
    extents.py     where on the globe a product lies
    portraits.py   the extents and small pictures of published products: made by a worker, kept beside the group
    drawings.py    the charts, as SVG
    news.py        what is news of a group, as a message
    page.py        the page: `board.html.j2` filled in, with `board.css`, `board.js` and `land.txt` inside it

`land.txt` is the outline of the continents: Natural Earth (public domain) 1:110m, from the npm package world-atlas 2.0.2, thinned out to
half a degree, as an SVG path of 720 by 360 for a map of 360 by 180 degrees.
"""

from padocc_dagster.pipeline.board.facts import Facts, counted, read_facts
from padocc_dagster.pipeline.board.failures import Failure, failures_of
from padocc_dagster.pipeline.board.page import write_board
from padocc_dagster.pipeline.board.portraits import add_portraits
from padocc_dagster.pipeline.board.progress import forecast_of

__all__ = ["Facts", "Failure", "add_portraits", "counted", "failures_of", "forecast_of", "read_facts", "write_board"]
