"""Markov chains over labels that are seen."""
