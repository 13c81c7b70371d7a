"""What word vectors know: analogies, pairs of words that people judged, neighbours."""
