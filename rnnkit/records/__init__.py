"""The records of runs, read and checked without a framework.

`checks` reads one record, `states` tells how far a run came, `listing` lists the runs of a folder.
"""
