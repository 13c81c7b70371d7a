"""Readers of published data sets.

Each reads the archive of its `Release`, or the separate files of its public home, in
``$RNNKIT_DATA`` or the cache. It raises an `InputError` where these are missing (the message says
where to fetch them), damaged (with file and line), or not the ones expected.
"""
