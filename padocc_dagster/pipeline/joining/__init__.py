"""Whether source files can be joined into one product, and in which order: found in the files before anything is made. Knows no PADOCC.

survey.py       what the headers of the files say; declared.py of each variable, damage.py of files that cannot be read
order.py        the order in which they follow each other
preflight.py    which files are not like the others, as values of odd.py; kept by record.py
unjoinable.py   why they cannot be joined at all, besides
formats.py      why they cannot become a product of one cloud format, besides
encodings.py    why an aggregator must not make kerchunk references of them
refusals.py     those reasons as exceptions
"""
