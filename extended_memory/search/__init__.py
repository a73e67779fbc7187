"""Full-text search: text to terms, query to plan, ranking; pure, and shared by the backends.

- ``writing_systems``  which characters make up a word, and in which scripts none are set apart
- ``folding``          characters: the spellings that count as one
- ``stems``            words: the forms that count as one
- ``words``            one word, identifier, version or path as terms
- ``stop_words``       words that a question is made of
- ``analyzer``         a text, a query, tags and a date as terms
- ``index``            what a store keeps and offers to read
- ``ranking``          the numbers: what a term weighs in a context and in a query
- ``expansion``        which words may be meant by a rare or unknown one: likeness of words
- ``stand_ins``        which words of a project are, as its index tells
- ``plan``             what a query asks an index for, and what each part of it weighs
- ``engine``           a query answered
- ``passage``          the passage of a long content that answers best
"""
