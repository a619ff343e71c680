"""The checks of `make check`. `all_checks` lists them."""
