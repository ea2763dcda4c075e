"""The files of a working directory, PADOCC's and this package's: where they are, what they say, and who may write them."""
