"""What all methods share: their protocol, the training task, the model card and file."""
