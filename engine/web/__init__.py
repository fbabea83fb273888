"""Play in the browser: a server on loopback and a page without a build step."""
