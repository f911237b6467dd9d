"""How a selection becomes one SQL statement.

A GraphQL object type declares its source once (``source``). A document is read once (``document``), its arguments stay symbolic
(``arguments``), its selection compiles to one statement (``compile``), and the statement answers for every later request with the
same text, the same permissions and variables of the same shape (``planner``).
"""
