"""Neuroevolution: from a recipe to motifs in the library."""
