"""What the command line asks of an installation: each operation yields lines, and works in a running Siyu and without one."""
