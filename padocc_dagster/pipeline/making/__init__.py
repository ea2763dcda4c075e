"""What PADOCC is made to do in the worker: scan, compute, validate, and what each of them needs to come out right."""
