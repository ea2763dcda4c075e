"""Published products watched: whether the files that they were made from are still what they were.

changes.py     what changed of a source file, from one `stat`
recorded.py    how the sources of a product were, and since when that is known
look.py        one look at a product's sources
recompare.py   a published product compared with its sources again (in a worker)
localised.py   a product whose links lead elsewhere, as it would be on this machine
multihash.py   checksums as catalogues give them
findings.py    a look and what the comparison adds to it
last.py        what was found last, and when
audit.py       all of them looked at now
rounds.py      which products are looked at in the present hour, and what is news of them
"""
