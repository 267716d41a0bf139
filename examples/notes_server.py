"""A small MCP server with notes, without any package: ``python notes_server.py``."""

import json
import sys

NOTES = []
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
TOOLS = [
    {"name": "add_note", "description": "Write a note.", "inputSchema": TEXT},
    {"name": "find_notes", "description": "The notes that contain a text.", "inputSchema": TEXT},
]


def call(name, arguments):
    if name == "add_note":
        NOTES.append(arguments["text"])
        return f"{len(NOTES)} notes"
    if name == "find_notes":
        return "\n".join(note for note in NOTES if arguments["text"] in note) or "none"
    raise KeyError(f"no tool {name}")


def answer(method, params):
    if method == "initialize":
        about = {"name": "notes", "version": "1"}
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": about}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call":
        try:
            text, failed = call(params["name"], params["arguments"]), False
        except Exception as error:
            text, failed = str(error), True
        return {"content": [{"type": "text", "text": text}], "isError": failed}
    return {}


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        result = answer(message["method"], message.get("params", {}))
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
