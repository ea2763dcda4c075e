"""Whether source files can be joined into one product, and in which order: found in the files before anything is made. Knows no PADOCC.

survey.py       what the headers of the files say
order.py        the order in which they follow each other
unjoinable.py   why they cannot be joined at all
formats.py      why they cannot become a product of one cloud format
encodings.py    why they cannot become kerchunk references
refusals.py     those reasons as exceptions
"""
