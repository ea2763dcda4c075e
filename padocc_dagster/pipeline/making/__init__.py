"""What PADOCC is made to do in the worker: initialise, scan, compute, validate, and what each of them needs to come out right.

initialise.py     groups and projects made from configs (project_files.py, next_version.py)
scan.py compute.py validate.py   the phases
operation.py      PADOCC's operation classes constructed
configured.py     what a config says for all phases: the files' order, and how they are opened (opening.py, dimensions.py)
aggregators.py    VirtualiZarr and MultiZarrToZarr, guarded
drivers.py collecting.py   kerchunk's drivers, and what would make them hang
references.py stores.py    products mended (exact_times.py), parquet.py   references as parquet
placing.py        source files laid beside the product for PADOCC's validation
replacing.py      functions of PADOCC and of libraries replaced for a block
"""
