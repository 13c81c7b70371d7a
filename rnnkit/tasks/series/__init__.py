"""Series of numbers and sound: a class for each, a class for each step, what comes next."""
