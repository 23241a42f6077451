"""What a reading page needs of IPython: `display` and its objects. JupyterLab has the whole."""

from page_kernel import kernel


def get_ipython():
    return kernel


version_info = (9, 12, 0)  # Matplotlib asks, and needs to mend nothing from 8.24 on
