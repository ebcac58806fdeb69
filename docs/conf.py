"""Sphinx builds the documentation from this file: `make docs`."""

from __future__ import annotations

import logging
import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extension"))

project = "Evenhand"
author = "The Evenhand developers"
project_copyright = author
release = version = installed_version("evenhand")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_design",
    "evenhand_docs",
]
exclude_patterns = ["_extension"]
root_doc = "index"

# The kernel of the tutorial must not read the IPython profile of whoever builds, and its warning
# about local sockets would be the only output of a build without mistakes.
ipython = Path(__file__).parents[1] / "build" / "ipython"
(ipython / "profile_default").mkdir(parents=True, exist_ok=True)
(ipython / "profile_default" / "ipython_kernel_config.py").write_text(
    "c.IPKernelApp.log_level = 40\nc.HistoryManager.enabled = False\n"
)
os.environ["IPYTHONDIR"] = str(ipython)
logging.getLogger("traitlets").setLevel(logging.WARNING)

# The tutorial's output is made anew at each build, so that it cannot differ from the code.
nb_execution_mode = "force"
nb_execution_timeout = 240
nb_execution_raise_on_error = True
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist", "attrs_inline"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80

# A reference to a name of this project that has a page must resolve. Types of other projects, and
# types of ours that stand in a signature and have no page, are shown as text.
nitpick_ignore_regex = [
    (
        r"py:.*",
        r"(annotated_types|collections|numpy|np|torch|pandas|pd|jaxtyping|pydantic|pathlib|typing)\..*",
    ),
    (r"py:.*", r"evenhand(_reports)?\.\w+\..*"),
    (r"py:class", r"(Path|datetime|DataFrame|Tensor|ndarray|NoneType|FieldInfo|Ge|Gt|Le|Lt)"),
    (r"py:class", r"(Leaderboard|Paths|Records|ReportFiles|Separation|TwoRows)"),
    (r"py:class", r"(Part|Field|Val|Sam|Teacher|Stream|Selection|Precision|Kept)"),
    (r"py:class", r"(Curve|Evaluation|Exit|Cost|DataSummary|Provenance|StageCourse)"),
]

html_theme = "furo"
html_title = "Evenhand"
html_static_path = ["_static"]
html_css_files = ["evenhand.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#1f5fa8",
        "color-brand-content": "#1f5fa8",
        "font-stack": "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif",
    },
    "dark_css_variables": {"color-brand-primary": "#7fb2f0", "color-brand-content": "#7fb2f0"},
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# External links are checked by `make linkcheck`, which needs a network.
linkcheck_timeout = 20
linkcheck_retries = 2
