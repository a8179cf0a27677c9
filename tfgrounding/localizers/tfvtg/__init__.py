"""TFVTG's two readings: as its public program computes it, and as its paper describes it."""
