"""The next word or letter: learning from running text, writing and completing."""
