"""One file for each version of the tables, which says how they came from the former one."""
