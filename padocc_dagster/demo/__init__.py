"""Five projects of real data, taken from their source files to published products by a running instance."""
