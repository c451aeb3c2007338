"""What a training step sees: augmentation, synthetic images, soft labels, and batches made of them."""
