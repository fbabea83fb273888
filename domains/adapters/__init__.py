"""Other libraries' games as object domains, and domains as other libraries' environments."""
