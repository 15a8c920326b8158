"""Extended statistics as a kind of pgplan."""
