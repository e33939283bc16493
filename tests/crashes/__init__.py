"""What the shop guarantees when its processes are killed, tested on real processes."""
