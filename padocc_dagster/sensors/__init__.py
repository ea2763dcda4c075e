"""What watches the outside: the inbox, and the projects' status logs."""
