"""Data sets, text processing, vocabularies and batches; imports no framework."""
