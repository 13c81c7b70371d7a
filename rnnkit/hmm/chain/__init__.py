"""Markov chains over observed labels."""
