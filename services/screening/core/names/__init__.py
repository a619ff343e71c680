"""Compares names: normalisation, scripts, token alignment, similarity features, score and index."""
