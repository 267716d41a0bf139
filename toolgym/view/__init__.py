"""The viewer of runs: ``toolgym view`` serves it to this machine's browser, one_file.py writes it as one file."""
