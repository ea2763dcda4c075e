"""A policy whose module cannot be loaded, for `test_settings.py`."""

raise NotImplementedError("as asked")
