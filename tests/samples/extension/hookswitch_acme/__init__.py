"""What Acme adds to Hookswitch."""
