"""What a run requests from a cluster and what the end of its job means, for every launcher of this package.

amounts.py      wall times, memory, CPUs and names as text
allocation.py   an allocation: how two are merged, how one grows after a failure and is capped
policy.py       what an allocation policy gets to know of a run
causes.py       why a job ended, and how the run is retried
tags.py         the run tags that every launcher writes and reads
history.py      what earlier jobs requested and used
planning.py     what a run's job gets, and whether a failed run is retried

Nothing here knows SLURM, Kubernetes or PADOCC.
"""
