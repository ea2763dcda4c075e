"""The manual steps on PADOCC's files: which projects, who and why, what was done; and the rules for what may happen unattended."""
