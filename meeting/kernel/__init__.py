"""What every domain leans on: ids, time, errors, messages, lease rules and the shared ports."""
