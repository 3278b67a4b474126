"""Configuration of the documentation; `make docs` builds it without a network."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from importlib import metadata
from pathlib import Path
from types import GenericAlias

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")
logging.getLogger("tensorflow").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", category=DeprecationWarning)
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import generate  # noqa: E402

project = "mirzoo"
author = "mirzoo authors"
project_copyright = "mirzoo authors, MIT licence"
version = release = metadata.version("mirzoo")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_design",
]
exclude_patterns = ["_build", "notes", "_templates", "_generated/parts", "_generated/root"]
templates_path = ["_templates"]

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

default_role = "code"
autosummary_generate = True
autosummary_imported_members = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
nitpicky = False
# Front-ends and heads are pydantic models; what they inherit from it is not theirs to explain.
autodoc_default_options = {"exclude-members": "model_config, model_post_init"}

html_theme = "furo"
html_title = "mirzoo"
html_static_path = ["_static"]
html_extra_path = ["_generated/root"]
html_css_files = ["mirzoo.css"]
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"


def setup(app) -> None:
    """Draw the pictures and write the pages that come from the models' cards, before reading."""
    generate.everything(HERE / "_generated")
    app.connect("autodoc-skip-member", _skip)


def _skip(app, what, name, thing, skip, options):
    """Leave out what pydantic adds to a class, and aliases of types, which autodoc cannot sign."""
    of_pydantic = str(getattr(thing, "__module__", "")).startswith("pydantic")
    if name.startswith("model_") and of_pydantic:
        return True
    return True if isinstance(thing, GenericAlias) else skip
