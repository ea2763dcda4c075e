"""Groups from a catalogue: which records of a STAC API or a static STAC catalogue become projects, and which of their assets the files.

section.py            what is written under `stac:` in a group config, as a pydantic model: which assets are files, how projects are called
conditions.py         the conditions of a search
paths.py              where the catalogue and the source files are on this machine
reading.py            requests: time limits, retries, and errors in words
api.py static.py      items from an API, items from a catalogue of files
matching.py           whether an item fits the search, where no server says so
record.py projects.py what is kept of an item, and the projects that items make
specs.py              their source files on this machine, and how large they are
select.py             a whole search: which items count, and the projects they make
manifest.py           a selection as it is kept with its group
changes.py plan.py    what has changed since, and what follows from that
published.py          items kept whole, and the item that is published with a product
"""
