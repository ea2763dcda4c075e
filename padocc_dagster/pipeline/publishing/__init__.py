"""From a product that was made to a product that is published: compared with its sources, accepted, put in place. Knows no PADOCC.

verify.py      the comparison with the sources, recorded
tick.py        PADOCC's validation accepted by a person
publish.py     the product and its report, put in place by one rename
links.py       references moved to remote addresses
stac_item.py   the STAC item beside the product
"""
