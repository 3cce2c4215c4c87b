"""Steps from each version of the library's tables to the next, run by `evocircuits library upgrade`.

A step names its tables itself and does not import `schema`, which is always that of the newest version.
"""
