"""Files and folders. Only the owner of a file may share, rename, move or delete it."""

from __future__ import annotations

from typing import Literal

from toolgym.tools import tool

from .world import Conflict, NotAllowed, NotFound, Row, World, reads


class Files(World):
    def _own(self, file_id: str) -> Row:
        row = self.get("files", file_id, "file")
        if row["owner"] != self.user:
            raise NotAllowed(f"{row['name']} belongs to {row['owner']} ({row['owner_email']}), who alone may do this")
        return row

    @reads
    @tool(timeout=None)
    def find_file(self, name: str) -> Row:
        """Find a file by its name; gives its id, folder and owner."""
        row = self.named("files", "name", name, "file")
        return {key: value for key, value in row.items() if key != "text"}

    @reads
    @tool(timeout=None)
    def read_file(self, file_id: str) -> str:
        """Show the text of a file."""
        return str(self.get("files", file_id, "file")["text"])

    @tool(timeout=None)
    def share_file(self, file_id: str, email: str, access: Literal["view", "edit"]) -> Row:
        """Give someone access to a file."""
        row = self._own(file_id)
        return self.edit("files", file_id, shared={**row["shared"], email: access})

    @tool(timeout=None)
    def rename_file(self, file_id: str, name: str) -> Row:
        """Give a file another name."""
        self._own(file_id)
        return self.edit("files", file_id, name=name)

    @tool(timeout=None)
    def move_file(self, file_id: str, folder: str) -> Row:
        """Move a file to another folder."""
        self._own(file_id)
        if folder not in self.table("folders"):
            raise NotFound(f"there is no folder {folder[:80]!r}")
        return self.edit("files", file_id, folder=folder)

    @tool(timeout=None)
    def delete_file(self, file_id: str) -> str:
        """Delete a file."""
        self._own(file_id)
        del self.table("files")[file_id]
        return f"{file_id} is deleted"

    @tool(timeout=None)
    def create_folder(self, folder: str) -> str:
        """Make a new folder for files."""
        if folder in self.table("folders"):
            raise Conflict(f"there is a folder {folder[:80]!r} already")
        self.table("folders")[folder] = {"folder": folder}
        return f"{folder} is created"

    @reads
    @tool(timeout=None)
    def list_folder(self, folder: str) -> list[str]:
        """List the files in a folder."""
        if folder not in self.table("folders"):
            raise NotFound(f"there is no folder {folder[:80]!r}")
        return [row["name"] for row in self.table("files").values() if row["folder"] == folder]
