"""What several rooms' tests build on: toys, simulators, a fake method."""
