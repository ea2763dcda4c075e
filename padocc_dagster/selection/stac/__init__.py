"""Groups from a catalogue: which records of a STAC API or a static STAC catalogue become projects, and which of their assets the files.

section.py                what is written under `stac:` in a group config, checked
address.py                where the catalogue is
query.py conditions.py    which items are asked for
assets.py paths.py        which assets of an item are source files, and where those lie on this machine
template.py               how projects are called
reading.py unreachable.py requests: time limits, retries, and errors in words
api.py static.py          items from an API, items from a catalogue of files
matching.py               whether an item is asked for, where no server says so
shape.py                  items and links of whatever shape
record.py projects.py     what is kept of an item, and the projects that items make
specs.py size.py          their source files on this machine, and how large they are
taking.py                 which items count
select.py                 all of it, one after another
manifest.py changes.py    a selection as it is kept with its group, and what has changed since
plan.py                   what follows from that
packing.py published.py   items kept whole, and the item that is published with a product
"""
