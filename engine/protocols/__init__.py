"""How other programs and files speak of games: GTP, UCI, SGF, PGN, JSON lines."""
