"""Search for proofs of first-order problems."""
