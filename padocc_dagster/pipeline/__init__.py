"""The one package that knows PADOCC: its files, its phases, its faults.

Everything here is plain functions over plain values, without Dagster. PADOCC itself is imported only inside the worker process
(`workers/`) that carries out one operation and ends, in the room `making`.
"""
