"""What the private clusters share: the folder of one, and its daemons' processes."""
