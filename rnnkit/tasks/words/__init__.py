"""What tasks on words share: their vectors, their spelling, where they start."""
