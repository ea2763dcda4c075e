"""The commands on projects and groups, a file for each noun. Those of manual steps change files themselves and run nothing in Dagster."""
