"""The commands of the command line; `tf_handgroups.cli` lists and runs them."""
