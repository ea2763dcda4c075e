"""What runs in a pod."""
