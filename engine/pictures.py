"""Pictures as files: SVG as it is, PNG by resvg with matplotlib's fonts (the extra `plots`)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from tesuji.engine.errors import UsageError
from tesuji.engine.storage import atomic_write

KINDS = (".svg", ".png")
_FONTS = ("Sans", "Sans-Bold", "SansMono", "Serif")
_ZOOM = 2  # pixels of a PNG for one of the drawing


def check_picture(path: Path) -> None:
    """Raise an error where a file's name asks for a picture that cannot be drawn here.

    Raises:
        UsageError: PNG is asked for, and what draws it is not installed.
    """
    missing = any(find_spec(name) is None for name in ("resvg_py", "matplotlib"))
    if path.suffix.lower() == ".png" and missing:
        raise UsageError(
            f"{path}: PNG needs resvg (pip install 'tesuji[plots]'); a name with .svg needs nothing"
        )


def write_picture(path: Path, svg: str) -> None:
    """Write a drawing in the form that the file's name ends with.

    Raises:
        UsageError: it ends with neither, or PNG cannot be drawn here.
        StorageError: it could not be written.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise UsageError(f"a picture is written as .svg or .png, got {str(path)!r}")
    check_picture(path)
    if kind == ".svg":
        atomic_write(path, svg.encode())
        return
    from matplotlib import get_data_path  # noqa: PLC0415 - an extra, as is resvg
    from resvg_py import svg_to_bytes  # noqa: PLC0415

    # Machines without a screen often have no fonts; matplotlib brings one.
    fonts = Path(get_data_path()) / "fonts" / "ttf"
    files = [str(fonts / f"DejaVu{name}.ttf") for name in _FONTS]
    png = svg_to_bytes(
        svg_string=svg, zoom=_ZOOM, font_files=files, sans_serif_family="DejaVu Sans",
        serif_family="DejaVu Serif", monospace_family="DejaVu Sans Mono",
    )  # fmt: skip
    atomic_write(path, bytes(png))
