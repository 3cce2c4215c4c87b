"""The library in a web browser: pages that this machine serves to itself. Needs the extra `browser`."""

from evocircuits.browser.access import Access
from evocircuits.browser.serve import Site, open_site

__all__ = ["Access", "Site", "open_site"]
