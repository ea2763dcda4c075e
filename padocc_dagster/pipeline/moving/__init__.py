"""Projects moved from group to group, taken out, and added: the steps, what refuses them, and what finishes an interrupted one."""
