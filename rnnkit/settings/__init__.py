"""Typed groups of settings: the name, type, default, range and help text of each, written once.

Network builders take them as ``**options: Unpack[Group]``; recipes, the command line and the
documentation read them. One file for each subject; no framework is imported here.
"""
