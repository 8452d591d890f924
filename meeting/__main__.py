"""`python -m meeting`: the same as the command `meeting`, and what a debugger starts."""

from meeting.cli import main

main()
