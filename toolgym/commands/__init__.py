"""What the commands of ``toolgym`` do; cli.py reads their command lines. Loaded only by the command line."""
