"""The user's mailbox: received and sent mails."""

from __future__ import annotations

from toolgym.tools import tool

from .world import Conflict, NotAllowed, NotFound, Row, World, reads

_SHOWN = ("id", "sender", "address", "subject", "folder")


class Mail(World):
    def _send(self, to: str, subject: str, body: str) -> Row:
        if "@" not in to:
            raise ValueError(f"{to[:80]!r} is no mail address")
        moved = self.table("bounces").get(to)
        if moved is not None:
            raise NotFound(f"the mailbox {to} is closed; the new address is {moved['address']}")
        return self.add("sent", "SM", {"to": to, "subject": subject, "body": body})

    @tool(timeout=None)
    def send_mail(self, to: str, subject: str, body: str) -> Row:
        """Write a new mail.

        Args:
            to: mail address
        """
        return self._send(to, subject, body)

    @reads
    @tool(timeout=None)
    def search_mail(self, query: str) -> list[Row]:
        """Search the mailbox by sender or subject; gives ids."""
        wanted = query.strip().casefold()
        rows = self.table("mails").values()
        found = [row for row in rows if wanted in f"{row['sender']}\n{row['address']}\n{row['subject']}".casefold()]
        if not found or not wanted:
            raise NotFound(f"no mail matches {query[:80]!r}")
        return [{key: row[key] for key in _SHOWN} for row in found]

    @reads
    @tool(timeout=None)
    def read_mail(self, mail_id: str) -> Row:
        """Show the text of a mail."""
        return self.get("mails", mail_id, "mail")

    @tool(timeout=None)
    def reply_mail(self, mail_id: str, body: str) -> Row:
        """Reply to the sender of a mail."""
        row = self.get("mails", mail_id, "mail")
        if row["address"].startswith("no-reply"):
            raise NotAllowed(f"{row['address']} takes no replies; write to {row['contact']} instead")
        return self._send(row["address"], f"Re: {row['subject']}", body)

    @tool(timeout=None)
    def forward_mail(self, mail_id: str, to: str) -> Row:
        """Forward a mail to someone else.

        Args:
            to: mail address
        """
        row = self.get("mails", mail_id, "mail")
        return self._send(to, f"Fwd: {row['subject']}", row["body"])

    @tool(timeout=None)
    def move_mail(self, mail_id: str, folder: str) -> Row:
        """Move a mail to a mail folder."""
        row = self.get("mails", mail_id, "mail")
        if row["folder"] == folder:
            raise Conflict(f"{mail_id} is in {folder!r} already")
        return self.edit("mails", mail_id, folder=folder)

    @tool(timeout=None)
    def delete_mail(self, mail_id: str) -> str:
        """Delete a mail."""
        self.get("mails", mail_id, "mail")
        del self.table("mails")[mail_id]
        return f"{mail_id} is deleted"
