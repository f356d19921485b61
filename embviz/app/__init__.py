"""The panels: Explorer and Atlas."""
