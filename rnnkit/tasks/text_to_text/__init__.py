"""A text for a text: encoder, decoder and the search between them."""
