"""Training: recipes, batches and loops."""
