"""Planning domains that ship with tesuji, each with a generator of random problems."""
