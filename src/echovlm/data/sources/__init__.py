"""Importers: one per published data set, one for a hospital archive, one for simulated cases."""
