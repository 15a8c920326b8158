"""The deciding part: pure functions from what is declared, recorded and found to a plan. No driver, no terminal, no file."""
