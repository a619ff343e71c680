"""The methods of the three services as typed Python calls; `safeconduct.client` puts them together."""
