"""What is said on the call: the platform's leg, the model's leg, and the bridge between them."""
