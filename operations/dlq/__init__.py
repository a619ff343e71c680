"""Dead letters: what could not be handled, shown, and sent on its way again."""
