"""The processes in which PADOCC runs: one for each operation, fresh or forked from one that has imported PADOCC already."""
