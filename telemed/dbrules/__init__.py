"""Rules that the database itself holds: triggers and constraints beyond what a model's Meta can say.

Django rebuilds a SQLite table to alter it and drops its triggers without a word. So rules never live in
migrations: apps register them in AppConfig.ready(), `installer` (re)installs all of them after every
`migrate`, and the check dbrules.E001 says which are missing.
"""
