"""How projects advance: every few seconds the conductor reads what has changed in the files, reports it to Dagster, and requests a run for
each project with a phase that is due.

It is level-triggered, as a Kubernetes controller is: what is due follows from the files (`pipeline/running/due.py`), what is under way from
Dagster's runs. It holds no state that matters, so a run or a report that was lost is noticed at the next tick and requested again.
"""
