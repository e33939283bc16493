"""What the shop promises when its processes die: proved on real processes, killed for real."""
