"""What each task says about an answer that is to be explained; see `rnnkit.explain`."""
