"""An estimate for people: in words, as pictures, as one HTML file, as it is made.

Everything here works on the result's JSON document, so that an answer of the service
and one made in this process look alike. matplotlib, Jinja and rich are loaded where
they are used; torch never is.
"""
