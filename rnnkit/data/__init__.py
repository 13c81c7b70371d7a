"""Raw things in, arrays out: data sets, text, vocabularies, batches. Imports no framework."""
