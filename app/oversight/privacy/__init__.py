"""A person's rights over their data: to have it, to have it erased, and to see why it is kept.

Everything here is drawn from the declarations in `core.data`; a table that is added with them is
exported, erased, retained and registered without a line here. What other rooms keep outside
Postgres they register as a `PersonalStore`.
"""
