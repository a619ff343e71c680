"""How enforcement meets the world: bytes in, one call of the core, bytes out."""
