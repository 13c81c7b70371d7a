"""Readers of data sets, a function for each."""
