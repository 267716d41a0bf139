"""Standard output that may go away: a command still ends its work and writes its results."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import IO, Any


class Output:
    """A text file whose write errors do not end the command; after the first one, nothing more is written.

    ``failure`` is that error, or None. A character that the encoding lacks is written as a question mark.
    """

    def __init__(self, file: IO[str] | None):
        self._file: Any = file or io.StringIO()  # sys.stdout is None if it was closed at the start
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write; returns the number of characters."""
        try:
            if self.failure is None:
                self._file.write(text)
        except UnicodeEncodeError as error:
            return self.write(text.encode(error.encoding, "replace").decode(error.encoding))
        except OSError as error:
            self._fail(error)
        return len(text)

    def flush(self) -> None:
        """Flush, if nothing has failed."""
        try:
            if self.failure is None:
                self._file.flush()
        except OSError as error:
            self._fail(error)

    def told(self) -> str:
        """Why the output was not written; "" if it was, or if its reader has ended, as ``| head`` does."""
        self.flush()
        if self.failure is None or self.failure.errno == errno.EPIPE:
            return ""
        return f"the output could not be written: {self.failure.strerror or self.failure}"

    def _fail(self, error: OSError) -> None:
        self.failure = error
        # what is still buffered must not fail at the interpreter's exit
        if sys.__stdout__ is not None and self._file is sys.__stdout__:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._file.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
