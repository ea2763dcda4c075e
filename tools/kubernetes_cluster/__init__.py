"""A private Kubernetes of one node on one machine, with RBAC and real memory limits, for tests and for trying things out. Knows no Dagster.

build.py           Kubernetes's four programs, built once from Debian's source
machine.py         what the machine must have; the kernel settings and cgroups that are put back
certificates.py    who may speak with whom
configuration.py   the texts of the configuration files
daemons.py         the six daemons: arguments, and how one sees that they answer
image.py           the one image, imported and never pulled
containers.py      what pods leave on the machine
api.py             requests to the API server
cluster.py         all of it together
"""
